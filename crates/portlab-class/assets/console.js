// The reply console: what students' programs send, as text and bytes, and answers by hand.

import { code, el, fetchAsTeacher, t, watch, post } from "./app.js";

export const name = "console";
export const title = { en: "Reply console", zh: "调试助手" };

/** The encodings that are one click away. */
const ENCODINGS = ["UTF-8", "GBK", "gb18030", "Big5", "ISO-8859-1"];
const LABELS = { "ISO-8859-1": "latin1" };

/** Types a line, as on the terminal of `portlab assist`. */
const type = (line) => post("/do/console/type", { line });

export function mount(root, about) {
  const head = el("div", { class: "bar" });
  const choices = el("div", { class: "bar" });
  const rows = el("ol", { class: "records", tabindex: 0, "aria-label": t("what came and went", "收发记录") });
  const clients = el("ul", { class: "peers" });
  const hint = el("div", { class: "sample" });
  const said = el("p", { class: "dim", role: "status" });
  const form = code ? speaker() : null;
  root.append(
    head, choices,
    el("div", { class: "console-body" }, el("section", {}, hint, rows), el("aside", { "aria-label": t("Clients", "客户端") }, el("h2", {}, t("Clients", "客户端")), clients)),
    form?.element ?? "", said,
  );
  head.append(...opener());
  let isOpen = null;
  const shown = new Map();

  return watch({
    console: (view) => {
      if (isOpen !== view.addr) {
        isOpen = view.addr;
        head.replaceChildren(...(view.addr ? opened(view, about) : opener()));
        hint.replaceChildren(...(view.addr ? example(view, about) : []));
      }
      hint.hidden = view.rows.some((it) => it.way !== "event");
      choices.replaceChildren(...encodings(view));
      form?.update(view);
      clients.replaceChildren(...view.clients.map((it) => client(it, view)), ...more(view));
      showRows(rows, shown, view);
      said.textContent = t(view.said);
    },
  });
}

function opener() {
  if (!code) return [el("p", { class: "dim" }, t("The console is closed.", "调试助手没有打开。"))];
  const port = el("input", { type: "number", min: 0, max: 65535, value: 8080, id: "port" });
  const open = (event) => {
    event.preventDefault();
    post("/do/console/open", { port: Number(port.value), encoding: "utf-8" });
  };
  return [el("form", { class: "bar", onsubmit: open },
    el("label", { for: "port" }, t("Port", "端口")), port,
    el("button", { class: "main" }, t("Open the console", "打开调试助手")),
    el("span", { class: "dim" }, t("Students' programs connect to it, and you answer by hand.", "学生的程序连接到这里，由您手动回答。")),
  )];
}

/** Where a program of a student connects. */
function address(view, about) {
  const port = view.addr.split(":").pop();
  const host = (about.addresses[0] ?? location.host).replace(/:\d+$/, "");
  return [host, port];
}

function opened(view, about) {
  const [host, port] = address(view, about);
  return [
    el("p", { class: "address" }, t("listening at ", "正在监听 "), el("strong", {}, `${host}:${port}`)),
    code && el("button", { type: "button", onclick: () => post("/do/console/shut") }, t("Close the port", "关闭端口")),
  ].filter(Boolean);
}

/** What a student runs. */
function example(view, about) {
  const [host, port] = address(view, about);
  const lines = [
    "import socket", `s = socket.create_connection(("${host.replace(/[[\]]/g, "")}", ${port}))`, 's.sendall("你好".encode("gbk"))', 'print(s.recv(1024).decode("gbk"))',
  ];
  return [el("p", {}, t("A student's program, for example:", "学生的程序，例如：")), el("pre", {}, lines.join("\n"))];
}

function encodings(view) {
  const choose = (encoding) => type(`/encoding ${LABELS[encoding] ?? encoding}`);
  const all = ENCODINGS.includes(view.encoding) ? ENCODINGS : [...ENCODINGS, view.encoding];
  return [
    el("span", {}, t("Encoding", "编码")),
    el("div", { class: "switches", role: "group", "aria-label": t("Encoding", "编码") },
      all.map((it) => el("button", { type: "button", disabled: !code, "aria-pressed": String(it === view.encoding), onclick: () => choose(it) }, it.replace("gb", "GB"))),
      el("button", { type: "button", disabled: !code, "aria-pressed": String(view.both), onclick: () => type("/both") }, t("two side by side", "两种对照")),
    ),
  ];
}

/** The rows that are new or have changed are drawn; the list stays at its end unless it was scrolled. */
function showRows(place, shown, view) {
  const isAtEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
  const items = view.rows.map((row) => {
    const json = JSON.stringify(row);
    let known = shown.get(row.number);
    if (known?.json !== json) {
      known = { json, item: rowItem(row) };
      shown.set(row.number, known);
    }
    return known.item;
  });
  for (const number of shown.keys()) if (number < view.earlier) shown.delete(number);
  if (items.length !== place.children.length || items.some((it, at) => place.children[at] !== it)) place.replaceChildren(...items);
  if (isAtEnd) place.scrollTop = place.scrollHeight;
}

function rowItem(row) {
  const who = row.peer === null ? "" : `#${row.peer}`;
  const signs = { in: "←", out: "→", event: "·" };
  const words = { in: t("received", "收到"), out: t("sent", "发出"), event: "" };
  return el("li", { class: `record ${row.way}`, "data-number": row.number, "data-way": row.way },
    el("span", { class: "dim time" }, row.at_s.toFixed(1)),
    el("span", { class: "who" }, `${who} `, el("span", { "aria-hidden": "true" }, signs[row.way]), el("span", { class: "hidden" }, words[row.way])),
    row.way === "event"
      ? el("span", { class: "what" }, t(row.what))
      : el("div", { class: "what" },
          row.readings.map((it) => reading(row, it)),
          row.guess && guess(row),
        ),
  );
}

/** The characters, each above its bytes. */
function reading(row, it) {
  let at = 0;
  const cells = [...it.text].map((character, number) => {
    const length = 2 * Number(it.lengths[number]);
    const bytes = row.hex.slice(at, at + length).match(/../g)?.join(" ") ?? "";
    at += length;
    const picture = PICTURES[character.codePointAt(0) - 0x2400];
    const kind = character === "\u{fffd}" ? "cell broken" : picture ? "cell control" : "cell";
    return el("span", { class: kind }, el("span", {}, picture ?? (character === " " ? "\u{a0}" : character)), el("span", { class: "hex" }, bytes));
  });
  return el("div", { class: "decoded" },
    row.readings.length > 1 && el("strong", { class: "encoding" }, it.encoding),
    el("span", { class: "hidden text" }, it.text),
    el("span", { class: "cells", "aria-hidden": "true" }, cells, row.hex.length / 2 < row.bytes && "…"),
    it === row.readings[0] && el("span", { class: "dim size" }, t(`${row.bytes} bytes`, `${row.bytes} 字节`), row.by && ` · ${t(row.by)}`),
  );
}

/** Control characters as Python writes them, or by their names. */
const PICTURES = ("\\0 SOH STX ETX EOT ENQ ACK \\a \\b \\t \\n \\v \\f \\r SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US SP DEL").split(" ");

/** The most frequent fault of a class: bytes of another encoding. */
function guess(row) {
  const { encoding, text } = row.guess;
  if (encoding === row.readings[0].encoding) return null;
  return el("p", { class: "guess" },
    t(`! As ${encoding} these bytes are `, `！按 ${encoding} 解码是 `), el("strong", {}, text), " ",
    code && el("button", { type: "button", onclick: () => type(`/encoding ${encoding}`) }, t(`Read as ${encoding}`, `改用 ${encoding}`)),
  );
}

function client(it, view) {
  const isOnline = it.ended === null;
  const states = [
    it.fin && t("its FIN came", "对方已发 FIN"), it.half_closed && t("FIN sent", "本端已发 FIN"), it.is_paused && t("not read", "暂停读取"),
  ].filter(Boolean).join(" · ");
  const act = (line, en, zh) => el("button", { type: "button", class: "small", onclick: () => type(`/${line} ${it.id}`) }, t(en, zh));
  return el("li", { class: isOnline ? "peer" : "peer offline", "data-client": it.id },
    el("p", {}, el("strong", {}, `#${it.id}`), ` ${it.addr} `, isOnline ? el("span", { class: "flag" }, t("online", "在线")) : ""),
    el("p", { class: "dim" }, isOnline ? t(`${it.received} bytes came, ${it.sent} sent`, `收 ${it.received} 字节，发 ${it.sent} 字节`) : t(it.ended)),
    states && el("p", {}, states),
    isOnline && code && el("div", { class: "switches" },
      el("button", { type: "button", class: "small", "aria-pressed": String(view.to === String(it.id)), onclick: () => type(view.to === String(it.id) ? "/to all" : `/to ${it.id}`) }, t("answer only this one", "只回答它")),
      act("close", "close", "关闭"), act("fin", "half-close", "半关闭"), act("reset", "reset", "复位"),
      it.is_paused ? act("resume", "read on", "继续读") : act("pause", "stop reading", "停止读"),
    ),
  );
}

const more = (view) => (view.more_clients ? [el("li", { class: "dim" }, t(`and ${view.more_clients} more`, `另有 ${view.more_clients} 个`))] : []);

/** The line in which the teacher answers. */
function speaker() {
  const to = el("strong", {});
  const text = el("input", { type: "text", id: "line", autocomplete: "off", spellcheck: "false" });
  const kind = el("select", { "aria-label": t("Form", "形式") }, el("option", { value: "" }, t("text", "文字")), el("option", { value: "/hex " }, t("hex bytes", "十六进制")));
  const eol = el("div", { class: "switches", role: "group", "aria-label": t("Line end", "换行") });
  const send = async (event) => {
    event.preventDefault();
    if (await type(kind.value + text.value)) text.value = "";
    text.focus();
  };
  const help = el("details", {}, el("summary", {}, t("A line that begins with / is a command", "以 / 开头的是命令")));
  help.addEventListener("toggle", async () => {
    if (help.children.length > 1) return;
    const all = await fetchAsTeacher("/console/help.json");
    help.append(el("dl", {}, (t(all) || []).flatMap(([form, what]) => [el("dt", {}, form), el("dd", {}, what)])));
  });
  const element = el("div", { class: "speaker" },
    el("form", { class: "bar", onsubmit: send },
      el("label", { for: "line" }, t("To ", "发给 "), to), kind, text, el("button", { class: "main" }, t("Send", "发送")),
      el("span", {}, t("Line end", "换行")), eol,
    ),
    help,
  );
  return {
    element,
    update(view) {
      element.hidden = !view.addr;
      to.textContent = view.to === "all" ? t("all", "所有客户端") : `#${view.to}`;
      const ends = [["none", t("none", "无")], ["lf", "LF"], ["crlf", "CRLF"]];
      eol.replaceChildren(...ends.map(([key, shown]) => el("button", { type: "button", "aria-pressed": String(view.eol === key), onclick: () => type(`/eol ${key}`) }, shown)));
    },
  };
}
