// The race: two models serve the same clients; then the sentences of a comparison say why one is better.

import { code, el, post, t, watch } from "./app.js";

/** The panel: `options()` makes the options of a choice of models. Returns the element, and what ends it. */
export function panel(options) {
  const choice = (label) => el("select", { "aria-label": label }, options());
  const chosen = [choice(t("first model of the race", "比赛的第一个模型")), choice(t("second model of the race", "比赛的第二个模型"))];
  const begin = el("button", { type: "button", class: "main", onclick: () => post("/do/race", { first: chosen[0].value, second: chosen[1].value }) }, t("Race", "比赛"));
  const stop = el("button", { type: "button", onclick: () => post("/do/race/stop") }, t("stop", "停止"));
  const hide = el("button", { type: "button", onclick: () => fold(!element.classList.contains("folded")) });
  const phase = el("p", { class: "phase" });
  const controls = code && el("div", { class: "bar" }, el("strong", {}, t("The same clients for both:", "同样的客户端：")), chosen[0], t("against", "对"), chosen[1], begin, stop, phase, hide);
  const score = el("div", { class: "score" });
  const result = el("div", { class: "result" });
  const element = el("section", { id: "race", "aria-label": t("Race", "比赛") }, controls || phase, score, result);
  if (chosen[1].options.length > 1) chosen[1].selectedIndex = 1;
  let shown = "";

  /** Without the result, the pictures have the room. */
  function fold(is) {
    element.classList.toggle("folded", is);
    hide.hidden = !result.hasChildNodes();
    hide.textContent = is ? t("show", "展开") : t("hide", "收起");
    hide.setAttribute("aria-expanded", !is);
  }

  function draw(race) {
    const runs = race.state === "live" || race.state === "measuring";
    stop.hidden = !runs;
    begin.disabled = runs;
    for (const select of chosen) select.disabled = runs;
    if (runs || (race.first && !shown)) [race.first, race.second].forEach((model, at) => (chosen[at].value = model));
    // A screen reader doesn't read every second.
    phase.setAttribute("role", runs ? "timer" : "status");
    phase.textContent = words(race);
    score.replaceChildren(...(race.state === "idle" ? [] : bars(race)));
    const next = race.state === "done" || race.state === "failed" ? JSON.stringify(race) : "";
    if (next !== shown) {
      shown = next;
      result.replaceChildren(...(next ? outcome(race) : []));
      fold(false);
    }
  }

  draw({ state: "idle" });
  fold(false);
  return { element, close: watch({ race: draw }) };
}

/** What goes on now. */
function words({ state, left_s, measured, why }) {
  if (state === "live") {
    const left = Math.ceil(left_s);
    return t(`Both serve the same clients: ${left} s left`, `两个模型服务同样的客户端：还剩 ${left} 秒`);
  }
  if (state === "measuring") {
    const [done, all] = measured;
    const share = all ? t(`, ${done} of ${all}`, `：${done} / ${all}`) : "";
    return t(`The loads rest, and a comparison measures both${share}`, `负载暂停，正在测量两个模型${share}`);
  }
  return state === "failed" ? t(why) : "";
}

/** How many messages each has answered while both served. */
function bars({ first, second, answers, seconds, left_s }) {
  const passed = Math.round(seconds - left_s);
  const most = Math.max(...answers, 1);
  return [first, second].map((model, at) => {
    const bar = el("div", { class: "track", "aria-hidden": "true" }, el("div", { class: `fill ${at ? "second" : "first"}` }));
    bar.firstChild.style.width = `${(answers[at] / most) * 100}%`;
    const count = answers[at].toLocaleString("en-US");
    return el("div", { class: "runner" }, el("strong", {}, model), bar, el("span", { class: "number" }, t(`${count} answers in ${passed} s`, `${passed} 秒应答 ${count} 次`)));
  });
}

function outcome({ sentences, notes, question, table, command }) {
  if (!sentences) return [];
  return [
    question && el("p", { class: "dim" }, t(question)),
    el("ul", { class: "why" }, sentences.map((it) => el("li", {}, t(it)))),
    figures(table),
    ...notes.map((it) => el("p", { class: "dim" }, t("Note: ", "说明："), t(it), t(".", "。"))),
    el("p", { class: "command" }, t("The same in a terminal: ", "在终端里可以这样测："), el("code", {}, command)),
  ].filter(Boolean);
}

function figures({ columns, rows }) {
  const head = el("tr", {}, el("th", { scope: "col" }, t("model", "模型")), columns.map((it) => el("th", { scope: "col" }, t(it))));
  const row = ({ model, cells, why }) =>
    el("tr", {}, el("th", { scope: "row" }, model), cells.length ? cells.map((it) => el("td", {}, it)) : el("td", { colspan: columns.length }, why ? t(why) : "–"));
  return el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": t("figures of both models", "两个模型的数字") }, el("table", {}, el("thead", {}, head), el("tbody", {}, rows.map(row))));
}
