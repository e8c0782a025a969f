// Where everything of a picture stands: a state and a width in, boxes and dots out. Pure: no document.
//
// Wide: the accept queue on the left, lanes in the middle, places on the right. Narrow: from top to bottom.

/** More lanes than this are cells of a grid. */
export const MOST_ROWS = 12;

/** Seats in each place: a connection keeps its seat while it is there, so that a dot moves only with its own event. */
export class Seats {
  #places = new Map();
  #most = new Map();

  /** The seats of `conns` in `place`. A queue moves up; elsewhere a free seat stays free until the next one comes. */
  take(place, conns) {
    const before = this.#places.get(place) ?? new Map();
    const now = new Map();
    if (place === "queue") conns.forEach((conn, seat) => now.set(conn, seat));
    else {
      const stay = new Set(conns);
      const taken = new Set();
      for (const [conn, seat] of before) if (stay.has(conn)) now.set(conn, seat), taken.add(seat);
      let free = 0;
      for (const conn of conns) {
        if (now.has(conn)) continue;
        while (taken.has(free)) free += 1;
        now.set(conn, free);
        taken.add(free);
      }
    }
    this.#places.set(place, now);
    const most = Math.max(0, ...now.values()) + 1;
    // The size of dots doesn't change with each frame.
    this.#most.set(place, Math.max(this.#most.get(place) ?? 4, most));
    return { seats: now, most: this.#most.get(place) };
  }

  /** Whether a connection has ever been in `place`. */
  knows(place) {
    return this.#most.has(place);
  }
}

/**
 * The layout: {width, height, boxes: [{place, x, y, w, h, count}], lanes: [{id, x, y, w, h, isCell}],
 * dots: Map of key -> {conn, x, y, size, place, lane}}. `rem` is the size of text, `rows` the lanes of the larger of
 * two pictures, so that both have the same scale.
 */
export function layout(state, seats, { width, height, rem, rows }) {
  const isNarrow = width < 30 * rem;
  const gap = 0.6 * rem;
  const side = ["pool", "timer", "rest"].filter((place) => place === "rest" || state[place].length > 0 || seats.knows(place));
  const isFew = rows <= MOST_ROWS;
  const rowHeight = isFew ? Math.min(4.2 * rem, Math.max(2.1 * rem, (height - 2 * rem) / Math.max(rows, 1))) : 0;
  const tall = isFew ? Math.max(isNarrow ? 0 : height, rows * rowHeight + 2 * rem) : Math.max(height, isNarrow ? 16 * rem : 0);
  const boxes = [];
  let middle;
  let whole;
  if (isNarrow) {
    const strip = 5.2 * rem;
    boxes.push({ place: "queue", x: 0, y: 0, w: width, h: strip });
    middle = { x: 0, y: strip + gap, w: width, h: tall };
    side.forEach((place, at) => boxes.push({ place, x: 0, y: strip + gap + tall + gap + at * (strip + gap), w: width, h: strip }));
    whole = strip + gap + tall + gap + side.length * (strip + gap);
  } else {
    const left = Math.max(9.9 * rem, width * 0.16);
    const right = Math.max(9.9 * rem, width * 0.22);
    boxes.push({ place: "queue", x: 0, y: 0, w: left, h: tall });
    middle = { x: left + gap, y: 0, w: width - left - right - 2 * gap, h: tall };
    const part = (tall - gap * (side.length - 1)) / side.length;
    side.forEach((place, at) => boxes.push({ place, x: width - right, y: at * (part + gap), w: right, h: part }));
    whole = tall;
  }
  const dots = new Map();
  for (const box of boxes) {
    const { seats: taken, most } = seats.take(box.place, state[box.place]);
    box.count = taken.size;
    seat(dots, box, taken, most, rem);
  }
  const lanes = isFew ? asRows(state.lanes, middle, rowHeight, rem) : asCells(state.lanes, middle, rem);
  for (const lane of lanes) {
    if (!lane.conn) continue;
    const key = dots.has(`${lane.conn}`) ? `${lane.conn}@${lane.id}` : `${lane.conn}`;
    dots.set(key, { conn: lane.conn, x: lane.dotX, y: lane.y + lane.h / 2, size: lane.dotSize, place: "lane", lane: lane.id });
  }
  return { width, height: whole, boxes, middle, lanes, dots };
}

/** Dots in their seats. */
function seat(dots, box, taken, most, rem) {
  const top = 2.1 * rem;
  const pad = 0.4 * rem;
  const [w, h] = [box.w - 2 * pad, box.h - top - pad];
  const size = fit(w, h, most, rem);
  box.isFull = Math.ceil(most / Math.max(1, Math.floor(w / (size * 1.45)))) * size * 1.12 > h - 1.3 * rem;
  const perRow = Math.max(1, Math.floor(w / (size * 1.45)));
  for (const [conn, at] of taken) {
    const x = box.x + pad + ((at % perRow) + 0.5) * (w / perRow);
    const y = box.y + top + (Math.floor(at / perRow) + 0.5) * size * 1.12;
    dots.set(`${conn}`, { conn, x, y, size, place: box.place, lane: 0 });
  }
}

/** The largest height of a dot with which `count` of them fit. A dot is wider than high: its number is in it. */
function fit(w, h, count, rem) {
  for (let size = 1.7 * rem; size > 0.4 * rem; size *= 0.94) {
    if (Math.floor(w / (size * 1.45)) * Math.floor(h / (size * 1.12)) >= count) return size;
  }
  return 0.4 * rem;
}

function asRows(lanes, middle, h, rem) {
  return lanes.map((lane, at) => ({
    ...lane,
    isCell: false,
    x: middle.x,
    y: middle.y + 2 * rem + at * h,
    w: middle.w,
    h: h - 0.3 * rem,
    dotX: middle.x + middle.w - 1.8 * rem,
    dotSize: 1.7 * rem,
  }));
}

function asCells(lanes, middle, rem) {
  const [w, h] = [middle.w, middle.h - 2 * rem];
  let best = { columns: 1, score: 0 };
  for (let columns = 1; columns <= lanes.length; columns += 1) {
    const rows = Math.ceil(lanes.length / columns);
    const score = Math.min(w / columns / 2, h / rows);
    if (score > best.score) best = { columns, rows, score };
  }
  const cell = { w: w / best.columns, h: Math.min(h / best.rows, 3 * rem) };
  const between = Math.min(0.25 * rem, cell.h * 0.08);
  return lanes.map((lane, at) => {
    const x = middle.x + (at % best.columns) * cell.w;
    const y = middle.y + 2 * rem + Math.floor(at / best.columns) * cell.h;
    const dotSize = Math.min(1.6 * rem, cell.h * 0.7, cell.w * 0.4);
    return { ...lane, isCell: true, x, y, w: cell.w - between, h: cell.h - between, dotX: x + (cell.w - between) * 0.68, dotSize };
  });
}
