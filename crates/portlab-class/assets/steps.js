// Frames in, states and sentences out. Pure: no document, no clock.
//
// A state of one server is a slot of a frame: {lanes: [{id, doing, conn, ...}], queue, pool, timer, rest, guests, ...}.
// A frame is a whole picture. Its moves lead from the frame before to it, so that a class can follow each of them.

import { WORDS } from "./doings.js";

/** The places beside the lanes. */
export const PLACES = ["queue", "pool", "timer", "rest"];

/** Where each connection of a state is: a map of its number to {place, lane}. */
export function places(state) {
  const found = new Map();
  for (const place of PLACES) for (const conn of state[place]) found.set(conn, { place, lane: 0 });
  for (const lane of state.lanes) if (lane.conn) found.set(lane.conn, { place: "lane", lane: lane.id });
  return found;
}

/** The state after `move`. `after` is the frame's own state: it knows the names of lanes that begin with this move. */
export function apply(state, [, id, doing, conn, place], after = state) {
  const known = state.lanes.find((it) => it.id === id) ?? { ...after.lanes.find((it) => it.id === id), id, conn: 0 };
  const before = known.conn;
  const inside = place === "lane" ? conn : 0;
  const others = state.lanes.filter((it) => it.id !== id);
  const next = { ...state, lanes: [...others, { ...known, doing, conn: inside }].sort((a, b) => a.id - b.id) };
  if (conn) {
    for (const name of PLACES) next[name] = state[name].filter((it) => it !== conn);
    if (PLACES.includes(place)) next[place] = [...next[place], conn].sort((a, b) => a - b);
  }
  const isElsewhere = others.some((it) => it.conn === before) || PLACES.some((name) => next[name].includes(before));
  // The lane has turned to another connection: the one before rests.
  if (before && before !== conn && !isElsewhere) next.rest = [...next.rest, before].sort((a, b) => a - b);
  return next;
}

/** A lane that serves no connection at this moment, or only waits for one. */
const IDLE = ["accept", "wait", "client", "run"];
const BUSY = ["read", "handle", "write", "block"];

/**
 * The state of a frame as it is shown live: a lane that is idle when the frame ends shows the connection that it has
 * served last within the frame. So a message of some microseconds is seen, and a lane that served nothing stands still.
 */
export function lately(state) {
  const last = new Map();
  for (const [, id, doing, conn, place] of state?.moves ?? []) {
    if (conn && place === "lane" && BUSY.includes(doing)) last.set(id, { doing, conn });
  }
  if (last.size === 0) return state;
  const free = new Set(PLACES.flatMap((place) => state[place]));
  for (const lane of state.lanes) if (lane.doing === "client" && lane.conn) free.add(lane.conn);
  const served = new Map();
  for (const lane of state.lanes) {
    const it = last.get(lane.id);
    if (it && IDLE.includes(lane.doing) && (!lane.conn || lane.conn === it.conn) && free.delete(it.conn)) served.set(lane.id, it);
  }
  const shown = new Set([...served.values()].map((it) => it.conn));
  const lanes = state.lanes.map((lane) => ({ ...lane, ...served.get(lane.id) }));
  return { ...state, lanes, ...Object.fromEntries(PLACES.map((place) => [place, state[place].filter((it) => !shown.has(it))])) };
}

/** Two frames follow each other if none was skipped between them. */
export const follows = (before, after) => after.number === before.number + 1;

const SKIPPED = { en: "the browser has skipped pictures here", zh: "浏览器在这里跳过了一些画面" };

/**
 * The steps from one frame to the next: each is {slots, words, slot}. The last one is the frame itself, so a step that
 * the browser didn't get can't leave the picture wrong.
 */
export function steps(before, after) {
  if (!follows(before, after)) return [{ slots: after.slots, words: SKIPPED, slot: 0 }];
  const moves = after.slots.flatMap((slot, number) => (slot?.moves ?? []).map((move) => ({ number, move })));
  moves.sort((a, b) => a.move[0] - b.move[0]);
  const found = [];
  let slots = before.slots;
  for (const { number, move } of moves) {
    const now = after.slots[number];
    const state = slots[number] ?? { ...now, lanes: [], queue: [], pool: [], timer: [], rest: [] };
    const next = apply(state, move, now);
    slots = slots.map((it, at) => (at === number ? next : it));
    found.push({ slots, words: words(next, move), slot: number });
  }
  const joined = after.slots.flatMap((slot, number) => {
    const known = slots[number]?.queue ?? [];
    return (slot?.queue ?? []).filter((it) => !known.includes(it)).map((conn) => ({ number, conn }));
  });
  if (joined.length > 0) {
    const list = joined.map((it) => it.conn).join(", ");
    found.push({
      slots: after.slots,
      slot: joined[0].number,
      words: { en: `connection ${list}: made by the kernel, waits in the accept queue`, zh: `连接 ${list}：内核已建立，排进 accept 队列` },
    });
  } else if (found.length > 0) found.at(-1).slots = after.slots;
  return found;
}

/** What a move is, in words. */
export function words(state, [, id, doing, conn, place]) {
  const lane = state.lanes.find((it) => it.id === id)?.name || `${id}`;
  const about = (en, zh) => ({ en: `connection ${conn}: ${en}`, zh: `连接 ${conn}：${zh}` });
  if (place === "gone") return conn ? about(`${lane} closes it`, `${lane} 关闭它`) : { en: `${lane} closes a socket`, zh: `${lane} 关闭一个套接字` };
  if (place === "timer") return about(`a timer runs for it; ${lane} is free`, `定时器在计时，${lane} 空出来了`);
  if (place === "pool") return about(`its job waits in the pool's queue`, `任务排进线程池的队列`);
  if (place === "rest") return about(`open, and no thread serves it`, `连接还开着，没有线程在处理`);
  const word = WORDS[doing];
  return conn ? about(`${lane} ${word.en}`, `${lane} ${word.zh}`) : { en: `${lane} ${word.en}`, zh: `${lane} ${word.zh}` };
}

/** The names of a server's lanes: processes or threads. */
export function kinds(state) {
  const isOfProcesses = state.lanes.length > 1 && new Set(state.lanes.map((it) => it.pid)).size === state.lanes.length;
  return isOfProcesses ? ["process", "processes", "个进程"] : ["thread", "threads", "个线程"];
}

/** What the picture shows, in a sentence: from the state alone. */
export function seen(state) {
  const all = state.lanes.length;
  if (all === 0) return { en: "The server has started; no connection has come yet.", zh: "服务端已启动，还没有连接。" };
  const [one, many, zh] = kinds(state);
  const count = (doing) => state.lanes.filter((it) => it.doing === doing).length;
  const of = (number) => `${number} of ${all} ${all === 1 ? one : many} ${number === 1 ? "is" : "are"}`;
  const conns = (number) => (number === 1 ? "1 connection" : `${number} connections`);
  const said = [];
  const say = (number, en, chinese) => number > 0 && said.push([en(number), chinese(number)]);
  if (state.is_fast) say(1, () => "too many messages to follow: shares of the last second", () => "消息太多，显示最近一秒的时间占比");
  else {
    say(count("block"), (n) => `${of(n)} blocked in the handler`, (n) => `${all} ${zh}中有 ${n} 个阻塞在处理函数里`);
    say(count("client"), (n) => `${of(n)} waiting for bytes of a single client`, (n) => `${all} ${zh}中有 ${n} 个只在等一个客户端的数据`);
    say(count("handle"), (n) => `${of(n)} in the handler`, (n) => `${all} ${zh}中有 ${n} 个在运行处理函数`);
  }
  say(state.lost, (n) => `${n === 1 ? "1 event was" : `${n} events were`} lost: the page came too late`, (n) => `丢了 ${n} 个事件：网页来不及读`);
  const queue = state.queue.length;
  say(queue, (n) => `${conns(n)} ${n === 1 ? "waits" : "wait"} in the accept queue`, (n) => `${n} 个连接在 accept 队列里排队`);
  say(state.pool.length, (n) => `${n === 1 ? "1 job waits" : `${n} jobs wait`} for a free worker`, (n) => `${n} 个任务在等空闲的工作线程`);
  say(state.timer.length, (n) => `${conns(n)} ${n === 1 ? "waits" : "wait"} for a timer, without a thread`, (n) => `${n} 个连接在等定时器，不占线程`);
  const unread = state.unread?.filter((it) => state.rest.includes(it)).length ?? 0;
  say(unread, (n) => `${conns(n)} ${n === 1 ? "has" : "have"} sent bytes that no thread has read (ringed)`, (n) => `${n} 个连接发来了数据，还没有线程来读（带圈）`);
  say(state.rest.length - unread, (n) => `${conns(n)} ${n === 1 ? "is" : "are"} open, with no thread at work`, (n) => `${n} 个连接开着，没有线程在处理`);
  if (said.length === 0) {
    // Each connection is read or written at this moment.
    const serving = state.lanes.filter((it) => it.conn).length;
    say(serving, (n) => `${of(n)} serving a connection`, (n) => `${all} ${zh}中有 ${n} 个正在服务一个连接`);
  }
  if (said.length === 0) return { en: `No connection; ${all} ${all === 1 ? `${one} waits` : `${many} wait`}.`, zh: `没有连接，${all} ${zh}在等待。` };
  const en = said.map((it) => it[0]).join("; ");
  return { en: `${en[0].toUpperCase()}${en.slice(1)}.`, zh: `${said.map((it) => it[1]).join("；")}。` };
}
