// The dials: what the servers do, what the load sends, which guests come.

import { code, el, post, svg, t } from "./app.js";
import { GUESTS, GUEST_STORIES, SHAPES } from "./doings.js";

const SERVICES = {
  echo: { en: "echo", zh: "回显 echo" },
  reply: { en: "fixed reply", zh: "固定回答" },
  chat: { en: "chat room", zh: "聊天室" },
  http: { en: "web (HTTP)", zh: "网页 HTTP" },
};

const WORKS = {
  none: { en: "no work", zh: "不做事" },
  wait: { en: "wait (timer)", zh: "等待（定时器）" },
  block: { en: "block (sleep)", zh: "阻塞（睡眠）" },
  cpu: { en: "compute (CPU)", zh: "计算（CPU）" },
};

/** A change is sent when the teacher has paused for this long. */
const PAUSE_MS = 350;

const FACTORS = { ns: 1e-6, us: 1e-3, "µs": 1e-3, ms: 1, s: 1000 };

/** The kind and the milliseconds of a work such as `wait:1s500ms`. */
export function readWork(work) {
  const [kind, text = ""] = work.split(":");
  const parts = [...text.matchAll(/([\d.]+)\s*(ns|us|µs|ms|s)/g)];
  return { kind, ms: parts.reduce((sum, [, number, unit]) => sum + Number(number) * FACTORS[unit], 0) };
}

/** The panel of the dials: {element, show(stage)}. */
export function dials(about) {
  let stage = null;
  let timer = 0;
  const changes = {};

  function change(values) {
    Object.assign(changes, values);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const body = { ...stage.dials, ...changes };
      for (const key of Object.keys(changes)) delete changes[key];
      post("/do/dials", body);
    }, PAUSE_MS);
  }

  const number = (key, title, min, max, unit) => slider({ key, title, min, max, unit, onchange: (value) => change({ [key]: value }) });
  const clients = number("clients", t("clients", "客户端数"), 0, 200, "");
  const rate = number("rate", t("messages per second", "每秒消息数"), 1, 10_000, t("/s", "/秒"));
  const size = number("size", t("message size", "消息大小"), 1, 65_536, t("bytes", "字节"));
  const workers = number("workers", t("workers (0: model's own)", "工作线程数（0：模型自定）"), 0, 64, "");
  const ms = slider({ key: "work-ms", title: t("work takes", "每次耗时"), min: 1, max: 5_000, unit: "ms", onchange: changeWork });
  const kind = choice("work", t("work in the handler", "处理函数做什么"), WORKS, changeWork);
  const service = choice("service", t("service", "服务"), SERVICES, () => change({ service: service.select.value }));

  function changeWork() {
    const chosen = kind.select.value;
    change({ work: chosen === "none" ? "none" : `${chosen}:${ms.value() || 100}ms` });
    ms.element.hidden = chosen === "none";
  }

  const loads = toggles(t("load", "负载"), [
    ["off", t("off", "关"), () => post("/do/load", { on: null })],
    ["first", t("on 1", "给 1"), () => post("/do/load", { on: "first" })],
    ["second", t("on 2", "给 2"), () => post("/do/load", { on: "second" })],
    ["both", t("on both", "给两个"), () => post("/do/load", { on: "both" })],
  ]);
  const move = el("button", { type: "button", id: "move-clients", onclick: () => post("/do/load", { on: stage.loaded === "first" ? "second" : "first" }) }, t("⇄ move the clients", "⇄ 换到另一个模型"));
  const slow = el("button", { type: "button", id: "slow-motion", onclick: () => post("/do/slow-motion") }, t("slow motion", "慢动作"));

  let slot = 0;
  const targets = toggles(t("to server", "连到服务端"), [0, 1].map((it) => [`${it}`, `${it + 1}`, () => ((slot = it), targets.press(`${it}`))]));
  targets.press("0");
  const guests = Object.entries(GUESTS).map(([name, title]) =>
    el(
      "button",
      { type: "button", "data-guest": name, title: t(GUEST_STORIES[name]), onclick: () => post("/do/guest", { slot, kind: name }) },
      sign(name),
      t(title),
    ),
  );
  const leave = el("button", { type: "button", id: "guests-leave", onclick: () => post("/do/guests-leave") }, t("all leave", "全部离开"));

  const group = (title, ...children) => el("div", { class: "group", role: "group", "aria-label": title }, el("span", { class: "title" }, title), ...children);
  const fields = el(
    "fieldset",
    { disabled: !code },
    el("legend", { class: "hidden" }, t("dials", "调节")),
    el("div", { class: "row" }, loads.element, move, slow, clients.element, rate.element),
    el("div", { class: "row" }, kind.element, ms.element, workers.element, service.element, size.element),
    el("div", { class: "row" }, group(t("guests", "特殊客户端"), targets.element, ...guests, leave)),
  );
  const element = el("details", { class: "dials", open: innerWidth > 700 }, el("summary", {}, t("Clients, work, guests", "客户端、工作量、特殊客户端")), fields);

  return {
    element,
    show(next) {
      stage = next;
      const { dials: now, loaded, slots } = next;
      const models = slots.map((it) => about.models.find((model) => model.name === it?.model));
      for (const [dial, key] of [[clients, "clients"], [rate, "rate"], [size, "size"], [workers, "workers"]]) {
        if (!(key in changes)) dial.show(now[key]);
      }
      if (!("work" in changes)) {
        const work = readWork(now.work);
        kind.show(work.kind);
        if (work.ms) ms.show(Math.round(work.ms));
        ms.element.hidden = work.kind === "none";
      }
      if (!("service" in changes)) service.show(now.service);
      workers.element.hidden = !models.some((it) => it?.has_workers);
      const runs = slots.map(Boolean);
      loads.press(loaded ?? "off");
      loads.enable({ off: true, first: runs[0], second: runs[1], both: runs[0] && runs[1] });
      targets.enable({ 0: runs[0], 1: runs[1] });
      if (!runs[slot] && runs[1 - slot]) targets.press(`${(slot = 1 - slot)}`);
      for (const button of [...guests, leave]) button.disabled = !runs[0] && !runs[1];
      move.hidden = !(runs[0] && runs[1]);
      move.disabled = loaded !== "first" && loaded !== "second";
    },
    end: () => clearTimeout(timer),
  };
}

/** The shape of a guest's dot, beside its name. */
export const sign = (kind) => svg("svg", { viewBox: "-1.5 -1.5 3 3", class: `dot ${kind}`, "aria-hidden": "true" }, svg("path", { d: SHAPES[kind] }));

/** A slider with a number field: large ranges are dialled in steps that grow. */
function slider({ key, title, min, max, unit, onchange }) {
  // A power for large ranges: the left half of the slider is for small numbers.
  const power = max > 300 ? 3 : 1;
  const at = (value) => Math.round(1000 * ((value - min) / (max - min)) ** (1 / power));
  const of = (place) => round(min + (max - min) * (place / 1000) ** power);
  const range = el("input", { type: "range", min: 0, max: 1000, "aria-label": title, tabindex: -1 });
  const field = el("input", { type: "number", min, max, id: `dial-${key}`, inputmode: "numeric" });
  const take = (value, from) => {
    if (!Number.isFinite(value)) return;
    const right = Math.min(max, Math.max(min, Math.round(value)));
    if (from !== field) field.value = right;
    if (from !== range) range.value = at(right);
    onchange(right);
  };
  range.addEventListener("input", () => take(of(range.valueAsNumber), range));
  field.addEventListener("input", () => take(field.valueAsNumber, field));
  field.addEventListener("change", () => take(field.valueAsNumber || min));
  const limits = t(`${min} to ${max.toLocaleString("en-US")}`, `${min} 到 ${max.toLocaleString("en-US")}`);
  const element = el("div", { class: "slider", title: limits }, el("label", { for: field.id }, title, unit && ` (${unit})`), range, field);
  return {
    element,
    value: () => field.valueAsNumber,
    show(value) {
      if (document.activeElement === field) return;
      field.value = value;
      if (document.activeElement !== range) range.value = at(value);
    },
  };
}

/** A number that one says aloud: two digits, then zeros. */
function round(value) {
  const factor = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(value, 1))) - 1);
  return Math.round(value / factor) * factor;
}

function choice(key, title, names, onchange) {
  const select = el("select", { id: `dial-${key}`, onchange }, Object.entries(names).map(([name, it]) => el("option", { value: name }, t(it))));
  return { select, element: el("div", { class: "choice" }, el("label", { for: select.id }, title), select), show: (value) => (select.value = value) };
}

/** Buttons of which one is pressed. */
function toggles(title, all) {
  const buttons = new Map(all.map(([name, text, onclick]) => [name, el("button", { type: "button", "data-choice": name, "aria-pressed": "false", onclick }, text)]));
  return {
    element: el("div", { class: "group toggles", role: "group", "aria-label": title }, el("span", { class: "title" }, title), ...buttons.values()),
    press: (name) => buttons.forEach((it, key) => it.setAttribute("aria-pressed", key === name)),
    enable: (which) => buttons.forEach((it, key) => (it.disabled = !which[key])),
  };
}
