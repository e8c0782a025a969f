// The figures of a load and of its server, beside the picture.

import { el, t } from "./app.js";

const UNITS = [
  ["ns", 1],
  ["µs", 1e3],
  ["ms", 1e6],
  ["s", 1e9],
];

/** A time in nanoseconds with three digits and its unit. */
export function time(ns) {
  if (!ns) return "–";
  const [unit, factor] = UNITS.findLast(([, it]) => ns >= it) ?? UNITS[0];
  return `${Number((ns / factor).toPrecision(3))} ${unit}`;
}

const whole = (value) => Math.round(value).toLocaleString("en-US");

const ROWS = [
  ["p50", { en: "p50", zh: "p50" }, ({ load }) => load && time(load.latency_p50_ns)],
  ["p99", { en: "p99", zh: "p99" }, ({ load }) => load && time(load.latency_p99_ns)],
  ["rate", { en: "answers", zh: "回答" }, ({ load }) => load && `${whole(load.messages_per_s)} ${t("/s", "/秒")}`],
  ["errors", { en: "errors", zh: "错误" }, ({ load }) => load && whole(load.errors)],
  ["open", { en: "open", zh: "已连接" }, ({ load }) => load && whole(load.open_connections)],
  ["cpu", { en: "CPU", zh: "CPU" }, (it) => (it.cpu_percent === null ? null : `${whole(it.cpu_percent)} %`)],
  ["threads", { en: "threads", zh: "线程" }, (it) => whole(it.threads)],
  ["processes", { en: "processes", zh: "进程" }, (it) => it.processes > 1 && whole(it.processes)],
  ["memory", { en: "memory", zh: "内存" }, (it) => `${(it.pss_bytes / 1048576).toFixed(1)} MiB`],
];

/** The figures of one server: {element, draw(figures | null)}. */
export function figures() {
  const cells = ROWS.map(([key, title, of]) => {
    const value = el("dd", {}, "–");
    return { of, value, element: el("div", { "data-figure": key }, el("dt", {}, t(title)), value) };
  });
  const element = el("dl", { class: "figures" }, cells.map((it) => it.element));
  return {
    element,
    draw(all) {
      for (const { of, value, element } of cells) {
        const text = (all && of(all)) || "–";
        value.textContent = text;
        // A server of one process needs no number of processes.
        if (element.dataset.figure === "processes") element.hidden = text === "–";
      }
    },
  };
}
