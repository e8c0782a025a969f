// The kernel's view: the sockets of the page's ports, as `ss` shows them.

import { el, t, watch } from "./app.js";

export const name = "kernel";
export const title = { en: "Kernel's view", zh: "内核视角" };

/** How long a change is marked. */
const MARKED_MS = 2000;

const STATES = {
  LISTEN: {
    en: "The program waits for clients. Recv-Q counts connections that the kernel has made and the program hasn't accepted; Send-Q is the most that may wait.",
    zh: "程序在监听，等待客户端。Recv-Q 是内核已经建立、程序还没有 accept 的连接数；Send-Q 是最多能排多少个。",
  },
  "SYN-SENT": {
    en: "The client has asked for a connection (SYN), and no answer has come.",
    zh: "客户端发出了 SYN，还没有收到回答。",
  },
  "SYN-RECEIVED": {
    en: "The server's kernel has answered the SYN, and the last packet of the handshake hasn't come.",
    zh: "服务端内核回答了 SYN，还在等三次握手的最后一个包。",
  },
  ESTABLISHED: {
    en: "The connection is open in both directions. Recv-Q: bytes that have come and the program hasn't read. Send-Q: bytes that the other end hasn't acknowledged.",
    zh: "连接已建立，两个方向都能收发。Recv-Q：已收到、程序还没有读的字节；Send-Q：已发出、对方还没有确认的字节。",
  },
  "FIN-WAIT-1": {
    en: "This end has closed (FIN), and the other end hasn't acknowledged it.",
    zh: "本端先关闭，发出了 FIN，对方还没有确认。",
  },
  "FIN-WAIT-2": {
    en: "This end has closed, and the other end's kernel knows it. The program at the other end hasn't closed.",
    zh: "本端已经关闭，对方内核也确认了，但对方程序还没有关闭。",
  },
  "CLOSE-WAIT": {
    en: "The other end has closed (its FIN came), and this program hasn't called close(). Many connections in this state: the program forgets to close them.",
    zh: "对方已经关闭（收到了 FIN），本端程序还没有调用 close()。这种状态很多，说明程序忘了关闭连接。",
  },
  CLOSING: { en: "Both ends have closed at the same moment.", zh: "双方同时关闭。" },
  "LAST-ACK": {
    en: "This end has closed second, and waits for the last acknowledgement.",
    zh: "本端后关闭，正在等最后一个确认。",
  },
  "TIME-WAIT": {
    en: "This end has closed first. The kernel keeps the pair of addresses for 60 s, so that a late packet reaches no new connection. No program has the socket any more.",
    zh: "本端先关闭。内核把这对地址保留 60 秒，以免迟到的包进入新连接。这个套接字已经不属于任何程序。",
  },
  CLOSED: { en: "The connection has ended.", zh: "连接已结束。" },
};

const WAITS = {
  en: "The kernel has made this connection, and no program has accepted it: it waits in the accept queue.",
  zh: "内核已经建立了这个连接，程序还没有 accept：它在 accept 队列里排队。",
};

const HEADS = [
  ["", ""], ["State", "状态"], ["Recv-Q", "Recv-Q"], ["Send-Q", "Send-Q"], ["local address", "本地地址"], ["peer address", "对方地址"], ["program", "程序"],
];

export function mount(root) {
  const queues = el("div", { class: "queues" });
  const states = el("div", { class: "switches", role: "group", "aria-label": t("States", "状态") });
  const said = el("p", { class: "explained", role: "status" });
  const body = el("tbody");
  const more = el("p", { class: "dim" });
  const lines = new Map();
  let chosen = null;
  let isFirst = true;

  function explain(state, text = STATES[state]) {
    said.replaceChildren(el("strong", {}, state), " ", t(text));
  }

  function choose(state) {
    chosen = chosen === state ? null : state;
    if (chosen) explain(chosen);
    mark();
  }

  function mark() {
    for (const button of states.children) button.setAttribute("aria-pressed", String(button.dataset.state === chosen));
    for (const line of lines.values()) line.tr.classList.toggle("picked", line.row.state === chosen);
  }

  function showStates(counts) {
    const all = Object.entries(counts);
    if (all.map(([state]) => state).join() !== [...states.children].map((it) => it.dataset.state).join()) {
      states.replaceChildren(...all.map(([state]) => el("button", {
        type: "button", "data-state": state, onclick: () => choose(state), onfocus: () => explain(state), onmouseenter: () => explain(state),
      }, state, " ", el("strong"))));
    }
    all.forEach(([, count], at) => { states.children[at].lastChild.textContent = String(count); });
  }

  /** Shows the rows in the server's order; a row that is gone stays at its place for a while. */
  function showRows(rows, ports) {
    const keys = new Set(rows.map(key));
    const ordered = rows.map((row) => update(row, ports));
    let before = null;
    for (const [id, line] of [...lines]) {
      if (!keys.has(id)) {
        if (!line.isGone) leave(id, line);
        ordered.splice(ordered.indexOf(before) + 1, 0, line);
      }
      before = line;
    }
    lines.clear();
    for (const line of ordered) lines.set(key(line.row), line);
    const place = ordered.map((it) => it.tr);
    if (place.some((tr, at) => body.children[at] !== tr) || body.children.length !== place.length) body.replaceChildren(...place);
    isFirst = false;
  }

  function update(row, ports) {
    let line = lines.get(key(row));
    if (!line || line.isGone) {
      line?.tr.remove();
      line = newLine(row);
      if (!isFirst) flag(line, "new", t("+ new", "+ 新"));
    }
    const texts = cells(row, ports);
    let hasChanged = false;
    texts.forEach((text, at) => {
      const cell = line.tr.children[at + 1];
      if (cell.textContent === text) return;
      if (cell.textContent && !isFirst) {
        hasChanged = true;
        cell.classList.add("changed");
      }
      cell.textContent = text;
    });
    if (hasChanged) flag(line, "has-changed", t("● changed", "● 变化"));
    line.row = row;
    line.tr.dataset.state = row.state;
    line.tr.classList.toggle("waits", waits(row));
    return line;
  }

  function newLine(row) {
    const tr = el("tr", { class: row.is_server ? "near" : "far" }, HEADS.map((_, at) => el("td", { class: at === 2 || at === 3 ? "number" : false })));
    const line = { row, tr, timer: 0, isGone: false };
    tr.addEventListener("mouseenter", () => explain(line.row.state, waits(line.row) ? WAITS : undefined));
    return line;
  }

  /** Marks a line by a class and a word, for a moment. */
  function flag(line, kind, word, after) {
    clearTimeout(line.timer);
    line.tr.classList.remove("new", "has-changed");
    line.tr.classList.add(kind);
    line.tr.firstChild.textContent = word;
    line.timer = setTimeout(() => {
      line.tr.classList.remove(kind);
      line.tr.firstChild.textContent = "";
      for (const cell of line.tr.children) cell.classList.remove("changed");
      after?.();
    }, MARKED_MS);
  }

  function leave(id, line) {
    line.isGone = true;
    flag(line, "gone", t("− gone", "− 消失"), () => {
      line.tr.remove();
      if (lines.get(id) === line) lines.delete(id);
    });
  }

  const table = el("table", { class: "sockets" },
    el("thead", {}, el("tr", {}, HEADS.map(([en, zh], at) => el("th", { scope: "col", class: at === 2 || at === 3 ? "number" : false }, en ? t(en, zh) : el("span", { class: "hidden" }, t("change", "变化")))))),
    body,
  );
  root.append(queues, el("div", { class: "bar" }, states), said, el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": t(title) }, table), more);

  const end = watch({
    kernel: (view) => {
      showQueues(queues, view);
      showStates(view.states);
      showRows(view.rows, view.ports);
      mark();
      more.textContent = view.more ? t(`and ${view.more} more sockets`, `另有 ${view.more} 个套接字`) : "";
      if (!said.textContent && view.ports.length) explain("LISTEN");
    },
  });
  return () => {
    end();
    for (const line of lines.values()) clearTimeout(line.timer);
  };
}

const key = (row) => `${row.local} ${row.remote}`;

/** Whether the connection waits to be accepted. */
const waits = (row) => row.is_server && row.state === "ESTABLISHED" && !row.process;

function cells(row, ports) {
  const count = (it) => it?.toLocaleString("en") ?? "?";
  return [row.state, count(row.recv_q), count(row.send_q), row.local, row.remote, program(row, ports)];
}

function program(row, ports) {
  const { process } = row;
  if (!process) return waits(row) ? t("none: waits for accept()", "无：等待 accept()") : t("none: only the kernel", "无：只在内核里");
  const others = process.others ? t(` and ${process.others} more`, `，另有 ${process.others} 个进程`) : "";
  const who = row.is_server ? t(ports[row.port].name) : process.is_page ? t("this page", "本页") : process.name;
  return `${who} (${process.pid}${others})`;
}

/** The accept queue of each listener: how many wait, of how many that may. */
function showQueues(place, view) {
  const listeners = view.rows.filter((it) => it.state === "LISTEN");
  if (!view.ports.length) {
    place.replaceChildren(el("p", { class: "dim" }, t(
      "Start a server under “Models at work”, or open the console: the sockets of their ports appear here.",
      "请先在“模型现场”启动服务端，或者打开调试助手：它们的套接字会显示在这里。",
    )));
    return;
  }
  place.replaceChildren(...listeners.map((row) => {
    // Linux accepts one more than the limit.
    const isFull = row.send_q !== null && row.recv_q > row.send_q;
    const fill = el("span", { class: "fill" });
    fill.style.width = `${Math.min(100, (row.recv_q / Math.max(1, row.send_q ?? 1)) * 100)}%`;
    return el("div", { class: isFull ? "listener full" : "listener" },
      el("strong", {}, t(view.ports[row.port].name)), ` ${row.local} `,
      el("span", { class: "gauge", "aria-hidden": "true" }, fill),
      t(`accept queue: ${row.recv_q} of ${row.send_q ?? "?"}`, `accept 队列：${row.recv_q} / ${row.send_q ?? "?"}`),
      isFull && el("strong", {}, t(" full", " 已满")),
    );
  }));
}
