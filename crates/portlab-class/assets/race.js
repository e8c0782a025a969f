// The race: two models serve the same clients; then the sentences of a comparison say why one is better.

import { code, el, post, t } from "./app.js";

/** The panel: {element, show(stage), draw(race)}. The models that race are those of the two servers. */
export function panel() {
  const begin = el("button", { type: "button", class: "main", onclick: () => post("/do/race", { first: models[0], second: models[1] }) });
  const stop = el("button", { type: "button", onclick: () => post("/do/race/stop") }, t("stop the race", "停止比赛"));
  const hide = el("button", { type: "button", onclick: () => fold(!element.classList.contains("folded")) });
  const phase = el("p", { class: "phase" });
  const controls = code && el("div", { class: "bar" }, begin, stop, phase, hide);
  const score = el("div", { class: "score" });
  const result = el("div", { class: "result" });
  const element = el("section", { id: "race", "aria-label": t("Race", "比赛") }, controls || phase, score, result);
  let models = [];
  let race = { state: "idle" };
  let shown = "";

  /** Without the result, the pictures have the room. */
  function fold(is) {
    element.classList.toggle("folded", is);
    hide.hidden = !result.hasChildNodes();
    hide.textContent = is ? t("show the result", "展开结果") : t("hide the result", "收起结果");
    hide.setAttribute("aria-expanded", !is);
  }

  function show(stage) {
    models = stage.slots.map((it) => it?.model);
    update();
  }

  function update() {
    const runs = race.state === "live" || race.state === "measuring";
    const [first, second] = models;
    const isReady = first && second && first !== second;
    stop.hidden = !runs;
    begin.hidden = runs;
    begin.disabled = !isReady;
    begin.textContent = isReady ? t(`Race: ${first} against ${second}`, `比赛：${first} 对 ${second}`) : t("Race", "比赛");
    // A screen reader doesn't read every second.
    phase.setAttribute("role", runs ? "timer" : "status");
    phase.textContent = words(race) || (code && !isReady ? t("Two different models can race.", "选好两个不同的模型，就可以比赛。") : "");
  }

  function draw(next) {
    race = next;
    update();
    score.replaceChildren(...(race.state === "idle" ? [] : bars(race)));
    const ended = race.state === "done" || race.state === "failed" ? JSON.stringify(race) : "";
    if (ended !== shown) {
      shown = ended;
      result.replaceChildren(...(ended ? outcome(race) : []));
      fold(false);
    }
  }

  draw(race);
  fold(false);
  return { element, show, draw };
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
    return t(`The loads are off; a comparison measures both${share}`, `负载暂停，正在测量两个模型${share}`);
  }
  return state === "failed" ? t(why) : "";
}

/** How many messages each has answered while both served. */
/** How many times as many answers: "2.8×"; nothing for nearly as many, and while one server has none. */
const ratio = (mine, other) => (other > 0 && mine > 1.1 * other ? ` · ${(mine / other).toFixed(1)}×` : "");

function bars({ first, second, answers, seconds, left_s }) {
  const passed = Math.round(seconds - left_s);
  const most = Math.max(...answers, 1);
  return [first, second].map((model, at) => {
    const bar = el("div", { class: "track", "aria-hidden": "true" }, el("div", { class: `fill ${at ? "second" : "first"}` }));
    bar.firstChild.style.width = `${(answers[at] / most) * 100}%`;
    const count = answers[at].toLocaleString("en-US");
    return el("div", { class: "runner" }, el("strong", {}, model), bar, el("span", { class: "number" }, t(`${count} answers in ${passed} s`, `${passed} 秒回答 ${count} 次`) + ratio(answers[at], answers[1 - at])));
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
