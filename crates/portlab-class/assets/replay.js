// The bar below the pictures: pause, single steps, and the last 30 seconds with a slider.

import { el, fetchAsTeacher, t } from "./app.js";

/** The bar for `past`, a History; `draw` draws what it shows. */
export function replay(past, draw) {
  const pause = el("button", { type: "button", id: "pause", onclick: toggle });
  const back = el("button", { type: "button", id: "step-back", onclick: () => move(-1) }, t("◀ step", "◀ 上一步"));
  const on = el("button", { type: "button", id: "step-on", onclick: () => move(1) }, t("step ▶", "下一步 ▶"));
  const slider = el("input", { type: "range", id: "replay", min: 0, max: 0, "aria-label": t("the last 30 seconds", "最近 30 秒"), oninput: go });
  const age = el("output", { id: "age", for: "replay" });
  const words = el("output", { id: "step-words", role: "status" });
  const element = el("div", { class: "replay", role: "group", "aria-label": t("replay", "回放") }, pause, back, on, slider, age, words);

  function toggle() {
    if (past.isPaused) past.goOn();
    else stop();
    draw();
  }

  /** Stands still. The server has all pictures; this browser has those that it was fast enough for. */
  async function stop() {
    past.pause();
    const frames = await fetchAsTeacher("/replay.json");
    if (frames && past.step === 0) past.fill(frames);
    element.classList.toggle("filled", past.isPaused);
    draw();
  }

  function move(by) {
    if (!past.isPaused) stop();
    past.move(by);
    draw();
  }

  function go() {
    if (!past.isPaused) stop();
    past.go(slider.valueAsNumber);
    draw();
  }

  let last = "";
  function show() {
    const paused = past.isPaused;
    slider.max = Math.max(0, past.frames.length - 1);
    slider.value = past.at;
    const seconds = past.ageSeconds();
    const text = paused ? `−${seconds.toFixed(2)} ${t("s", "秒")}` : t("live", "实时");
    if (age.textContent !== text) age.textContent = text;
    slider.setAttribute("aria-valuetext", text);
    const step = past.shown().words;
    words.textContent = step ? t(step) : "";
    const state = `${paused}`;
    if (state === last) return;
    last = state;
    pause.textContent = paused ? t("▶ live", "▶ 实时") : t("pause", "暂停");
    pause.setAttribute("aria-keyshortcuts", "Space");
    element.classList.toggle("paused", paused);
  }
  show();
  return { element, show, toggle, move };
}
