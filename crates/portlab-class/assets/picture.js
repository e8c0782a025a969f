// The picture of one server: accept queue, lanes, places, and the connections as numbered dots.
//
// Every draw shows one state of a frame. A dot moves because the state has its connection elsewhere, and for no other
// reason: CSS moves it there in a short transition.

import { svg, t } from "./app.js";
import { DOINGS, GUESTS, SHAPES, SIGNS, WORDS } from "./doings.js";
import { Seats, layout } from "./layout.js";
import { kinds, seen } from "./steps.js";

const TITLES = {
  queue: { en: "accept queue", zh: "accept 队列" },
  pool: { en: "pool's queue", zh: "线程池队列" },
  timer: { en: "timer runs", zh: "等定时器" },
  rest: { en: "at rest", zh: "空闲" },
};

const STORIES = {
  queue: { en: "in the kernel", zh: "在内核里" },
  timer: { en: "without a thread", zh: "不占线程" },
  rest: { en: "open, no thread", zh: "开着，无线程" },
};

/** Draws the states of a server into an element of its own. */
export class Picture {
  #seats = new Seats();
  #server = "";
  #kept = { boxes: new Map(), lanes: new Map(), dots: new Map() };
  #said = 0;

  constructor() {
    this.title = svg("title");
    this.layers = ["boxes", "lanes", "dots"].map((name) => svg("g", { class: name }));
    const stripes = svg("pattern", { id: `stripes-${(numbered += 1)}`, width: 14, height: 14, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    stripes.append(svg("rect", { width: 14, height: 14, class: "stripe-back" }), svg("rect", { width: 7, height: 14, class: "stripe" }));
    this.stripes = `url(#${stripes.id})`;
    this.element = svg("svg", { class: "picture", role: "img", "aria-label": t("picture of the server", "服务端的画面") }, this.title, svg("defs", {}, stripes), ...this.layers);
  }

  /** Draws `state`, a slot of a frame. `server` tells servers apart; `size` is {width, height, rem, rows}. */
  draw(state, server, size) {
    if (server !== this.#server) {
      this.#server = server;
      this.#seats = new Seats();
    }
    const plan = layout(state, this.#seats, size);
    const { width, height } = plan;
    if (this.size !== `${width} ${height}`) {
      this.size = `${width} ${height}`;
      this.element.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.element.style.height = `${height}px`;
    }
    const { rem } = size;
    const [, many, zh] = kinds(state);
    const middle = { ...plan.middle, place: "lanes", title: t(many, zh.slice(1)), count: state.lanes.length };
    keep(this.#kept.boxes, this.layers[0], [...plan.boxes, middle], (it) => it.place, newBox, (part, it) => drawBox(part, it, rem));
    keep(this.#kept.lanes, this.layers[1], plan.lanes, (it) => it.id, newLane, (part, it) => drawLane(part, it, rem, this.stripes));
    const guests = new Map(state.guests);
    const unread = new Set(state.unread);
    const dots = [...plan.dots].map(([key, it]) => ({ key, guest: guests.get(it.conn) ?? "", isUnread: it.place === "rest" && unread.has(it.conn), ...it }));
    keep(this.#kept.dots, this.layers[2], dots, (it) => `${it.key} ${it.guest}`, newDot, (part, it) => drawDot(part, it, rem));
    this.#say(state);
  }

  /** The text of the picture, at most once a second. */
  #say(state) {
    const now = performance.now();
    if (now - this.#said < 1000) return;
    this.#said = now;
    const text = `${state.model}. ${t(seen(state))}`;
    this.element.setAttribute("aria-label", text);
    this.title.textContent = text;
  }
}

let numbered = 0;

/** Keeps one part for each item: makes new ones, draws all, removes those without an item. */
function keep(kept, layer, items, keyOf, make, draw) {
  const seenKeys = new Set();
  for (const item of items) {
    const key = keyOf(item);
    seenKeys.add(key);
    let part = kept.get(key);
    if (!part) {
      part = make(item);
      kept.set(key, part);
      layer.append(part.g);
    }
    draw(part, item);
  }
  for (const [key, part] of kept) {
    if (seenKeys.has(key)) continue;
    part.g.remove();
    kept.delete(key);
  }
}

/** Sets attributes that have changed: the document stays as it is wherever nothing happens. */
function put(part, name, attributes) {
  const element = part[name];
  const known = (part.known ??= {});
  for (const [key, value] of Object.entries(attributes)) {
    const id = `${name} ${key}`;
    if (known[id] === value) continue;
    known[id] = value;
    if (key === "text") element.textContent = value;
    else element.setAttribute(key, value);
  }
}

function newBox({ place }) {
  const part = { back: svg("rect", { rx: 8 }), head: svg("text", { class: "head" }), count: svg("text", { class: "count" }), story: svg("text", { class: "small" }) };
  part.g = svg("g", { class: `box ${place}`, "data-box": place }, ...Object.values(part));
  return part;
}

function drawBox(part, { place, title, x, y, w, h, count, isFull }, rem) {
  put(part, "back", { x, y, width: w, height: h });
  put(part, "head", { x: x + 0.5 * rem, y: y + 1.35 * rem, text: title ?? t(TITLES[place]) });
  put(part, "count", { x: x + w - 0.5 * rem, y: y + 1.4 * rem, text: count });
  const story = STORIES[place] && !isFull && h > 6 * rem ? t(STORIES[place]) : "";
  put(part, "story", { x: x + 0.5 * rem, y: y + h - 0.6 * rem, text: story });
}

function newLane({ id }) {
  const part = {
    back: svg("rect", { class: "back", rx: 6 }),
    tab: svg("rect", { class: "tab", rx: 6 }),
    sign: svg("path", { class: "sign" }),
    name: svg("text", { class: "name" }),
    small: svg("text", { class: "small" }),
    chip: svg("rect", { class: "chip", rx: 6 }),
    word: svg("text", { class: "word" }),
    shares: svg("g", { class: "shares" }),
  };
  part.g = svg("g", { "data-lane": id }, ...Object.values(part));
  part.bars = new Map();
  return part;
}

function drawLane(part, lane, rem, stripes) {
  const { x, y, w, h, isCell, shares } = lane;
  // Of many messages, the tab shows what the lane did for the longest time.
  const doing = shares ? DOINGS[shares.indexOf(Math.max(...shares))] : lane.doing;
  part.group = part.g;
  put(part, "group", { class: `lane ${doing} ${shares ? "fast" : ""} ${isCell ? "cell" : "row"}`, "data-doing": lane.doing, "data-conn": lane.conn });
  const isBlocked = doing === "block" && !shares;
  put(part, "back", { x, y, width: w, height: h, fill: isBlocked ? stripes : "" });
  const side = isCell ? Math.min(h, w * 0.36) : Math.min(h, 2.4 * rem);
  put(part, "tab", { x, y, width: side, height: h });
  const scale = (Math.min(side, h) * 0.66) / 24;
  const [signX, signY] = [x + side / 2 - 12 * scale, y + h / 2 - 12 * scale];
  put(part, "sign", { d: SIGNS[doing], transform: `translate(${signX} ${signY}) scale(${scale})` });
  if (isCell) return drawCell(part, lane);
  const isTall = h > 2.5 * rem;
  const nameX = x + side + 0.5 * rem;
  const nameWidth = Math.min(9 * rem, Math.max(5.6 * rem, w * 0.28));
  put(part, "name", { x: nameX, y: y + h / 2 + (isTall ? -0.1 : 0.35) * rem, text: shortened(lane.name || `${lane.tid}`, nameWidth / rem) });
  const ids = lane.tid === lane.pid ? `pid ${lane.pid}` : `tid ${lane.tid}`;
  put(part, "small", { x: nameX, y: y + h / 2 + 1.05 * rem, text: isTall ? ids : "" });
  const wordX = nameX + nameWidth;
  const text = shares ? "" : t(WORDS[doing]);
  const wordWidth = isBlocked ? (width(text) * 1.2 + 0.8) * rem : 0;
  put(part, "chip", { x: wordX - 0.4 * rem, y: y + h / 2 - 0.85 * rem, width: wordWidth, height: 1.7 * rem });
  put(part, "word", { x: wordX, y: y + h / 2 + 0.36 * rem, text });
  drawShares(part, shares, { x: wordX, y: y + h * 0.15, w: x + w - wordX - 0.5 * rem, h: h * 0.7 }, rem);
}

function drawCell(part, { x, y, w, h, shares, name, doing }) {
  for (const text of ["name", "small", "word"]) put(part, text, { text: "" });
  put(part, "chip", { width: 0 });
  drawShares(part, shares, { x: x + w * 0.4, y: y + h * 0.15, w: w * 0.55, h: h * 0.7 }, 0);
  part.title ??= part.g.appendChild(svg("title"));
  put(part, "title", { text: `${name}: ${t(WORDS[doing])}` });
}

/** The shares of the last second as a bar; a share of a twentieth and more has its percent. */
function drawShares(part, shares, { x, y, w, h }, rem) {
  let left = x;
  DOINGS.forEach((doing, at) => {
    const share = shares?.[at] ?? 0;
    const known = part.bars.get(doing);
    if (share === 0 && !known) return;
    const bar = known ?? { back: svg("rect", { class: `share ${doing}` }), text: svg("text", { class: "percent" }) };
    if (!known) {
      part.bars.set(doing, bar);
      part.shares.append(bar.back, bar.text);
    }
    const wide = (w * share) / 100;
    put(bar, "back", { x: left, y, width: wide, height: h });
    const word = `${t(WORDS[doing])} ${share}%`;
    const text = rem === 0 || wide < 2.6 * rem ? "" : width(word) * rem < wide ? word : `${share}%`;
    put(bar, "text", { x: left + 0.3 * rem, y: y + h / 2 + 0.36 * rem, text });
    left += wide;
  });
}

/** The name of a lane for so many rem: beside a second picture, and on a phone, `connection 7` is cut to `conn. 7`. */
function shortened(name, room) {
  let text = width(name) > room ? name.replace(/^connection /, "conn. ") : name;
  while (text.length > 2 && width(text) > room) text = `${text.slice(0, -2)}…`;
  return text;
}

/** The width of a text about, in rem: a Chinese character is twice as wide as a letter. */
const width = (text) => [...text].reduce((sum, it) => sum + (it > "⺀" ? 1 : 0.58), 0);

function newDot({ conn, guest }) {
  const part = { shape: guest ? svg("path", { d: SHAPES[guest] }) : svg("rect"), text: svg("text") };
  part.g = svg("g", { class: guest ? `dot guest ${guest}` : "dot", "data-conn": conn }, part.shape, part.text);
  if (guest) part.g.append(svg("title", {}, t(GUESTS[guest])));
  return part;
}

function drawDot(part, { x, y, size, place, lane, guest, conn, isUnread }, rem) {
  const label = `${conn}`;
  // The part's own group moves; `put` knows the group as an element too.
  part.group = part.g;
  put(part, "group", { "data-place": place, "data-lane": lane, "data-unread": isUnread ? "yes" : "no" });
  const moved = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
  if (part.moved !== moved) {
    part.moved = moved;
    part.g.style.transform = moved;
  }
  const text = Math.min(size * 0.62, (size * 1.25) / (0.6 * label.length));
  if (guest) put(part, "shape", { transform: `scale(${size / 2})` });
  else {
    const wide = size * 1.3;
    put(part, "shape", { x: -wide / 2, y: -size / 2, width: wide, height: size, rx: size / 2 });
  }
  put(part, "text", { y: text * 0.36, text: text < 0.36 * rem ? "" : label });
  if (part.height !== text) part.text.style.fontSize = `${(part.height = text)}px`;
}
