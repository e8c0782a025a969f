// The tab "Models at work": one or two servers side by side, their clients, and the last 30 seconds of them.

import { code, el, language, notice, post, t, watch } from "./app.js";
import { dials, sign } from "./dials.js";
import { GUESTS, GUEST_STORIES } from "./doings.js";
import { figures } from "./figures.js";
import { History } from "./history.js";
import { MOST_ROWS } from "./layout.js";
import { Picture } from "./picture.js";
import { panel as racePanel } from "./race.js";
import { replay } from "./replay.js";
import { seen } from "./steps.js";

export const name = "lanes";
export const title = { en: "Models at work", zh: "模型现场" };

/** Kept while other tabs are shown. */
const past = new History();

let takeKey = () => false;
export const keys = (event) => takeKey(event);

export function mount(root, about) {
  const stands = [0, 1].map((slot) => stand(slot, about));
  const panel = dials(about);

  const bar = replay(past, draw);
  const pictures = el("div", { class: "stands" }, stands.map((it) => it.element));
  const hint = el("p", { class: "hint" }, code ? t("Choose a model to see it at work (keys 1 to 9), and a second one to compare (Shift and 1 to 9).", "选择一个模型，看它怎样工作（按键 1 到 9）；再选第二个来对比（Shift 加 1 到 9）。") : t("The teacher starts the servers.", "由教师启动服务端。"));
  const heads = el("div", { class: "heads" }, stands.map((it) => it.head));
  const race = racePanel();
  root.append(race.element, heads, hint, pictures, bar.element, panel.element);

  function draw() {
    const { slots } = past.shown();
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const counts = slots.map((it) => it?.lanes.length ?? 0);
    // Both pictures have rows of one height, unless the lanes of one are cells.
    const rows = Math.max(...counts.filter((it) => it <= MOST_ROWS), 1);
    // Room for the heads above, and for the sentence, the figures and the dials below.
    const others = (panel.element.open ? 33 : 20) + (slots.every(Boolean) ? 4 : 0);
    const height = Math.max(13 * rem, Math.min(24 * rem, innerHeight - others * rem));
    stands.forEach((it, at) => it.draw(slots[at], { rem, height, rows: counts[at] <= MOST_ROWS ? rows : counts[at] }));
    bar.show();
  }

  const end = watch({
    lanes(frame) {
      past.push(frame);
      if (!past.isPaused) draw();
    },
    stage(next) {
      stands.forEach((it, slot) => it.show(next.slots[slot]));
      hint.hidden = next.slots.some(Boolean);
      panel.show(next);
      race.show(next);
      // A load that has ended by itself; a refused order is shown by the request.
      if (code && next.notice) notice(t(next.notice));
    },
    race: race.draw,
    figures: (all) => stands.forEach((it, slot) => it.figures.draw(all.slots[slot])),
  });
  const sizes = new ResizeObserver(() => past.frames.length > 0 && draw());
  sizes.observe(pictures);

  takeKey = (event) => {
    const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
    const model = digit && about.models[digit - 1];
    if (model && code) post("/do/serve", { slot: event.shiftKey ? 1 : 0, model: model.name });
    else if (event.key === " " && event.target.closest("button, summary") === null) bar.toggle();
    else if (event.key === "ArrowRight" && past.isPaused) bar.move(1);
    else if (event.key === "ArrowLeft" && past.isPaused) bar.move(-1);
    else return false;
    return true;
  };

  return () => {
    end();
    sizes.disconnect();
    panel.end();
    takeKey = () => false;
  };
}

/** One server: its model, its picture, its figures. */
function stand(slot, about) {
  const place = slot + 1;
  const select = el(
    "select",
    { disabled: !code, "aria-label": t(`model of server ${place}`, `服务端 ${place} 的模型`), onchange: () => post("/do/serve", { slot, model: select.value || null }) },
    el("option", { value: "" }, slot === 0 ? t("choose a model", "选择模型") : t("second model: none", "第二个模型：无")),
    families(about.models).map(([family, models]) => el("optgroup", { label: family }, models)),
  );
  const stop = el("button", { type: "button", disabled: !code, onclick: () => post("/do/serve", { slot, model: null }) }, t("stop", "停止"));
  const addr = el("span", { class: "addr" });
  const idea = el("p", { class: "idea" });
  const sentence = el("p", { class: "seen", "data-seen": slot });
  const numbers = figures();
  const picture = new Picture();
  const legend = el("p", { class: "legend" });
  let known = "";
  const head = el("div", { class: "head" }, el("strong", { class: "badge", "aria-hidden": "true" }, `${place}`), select, stop, addr);
  const body = el("section", { class: "stand", "data-slot": slot, "aria-label": t(`server ${place}`, `服务端 ${place}`), hidden: true }, idea, picture.element, legend, sentence, numbers.element);
  let server = "";

  return {
    head,
    element: body,
    figures: numbers,
    show(now) {
      server = now ? `${now.model} ${now.pid}` : "";
      const model = about.models.find((it) => it.name === now?.model);
      if (document.activeElement !== select || now) select.value = now?.model ?? "";
      stop.hidden = !now;
      addr.textContent = now ? `${now.addr} · pid ${now.pid}` : "";
      idea.replaceChildren(...(model ? [el("strong", {}, t(model.term)), `: ${t(model.idea)}`] : []));
      idea.title = model ? `${t("Blocks: ", "会卡住：")}${t(model.blocks)}` : "";
      body.hidden = !now;
    },
    draw(state, size) {
      picture.element.classList.toggle("none", !state);
      if (!state || !size || body.hidden) return;
      const width = body.clientWidth;
      if (width === 0) return;
      picture.draw(state, server, { ...size, width });
      const kinds = Object.keys(GUESTS).filter((kind) => state.guests.some((it) => it[1] === kind));
      if (known !== `${kinds}`) {
        known = `${kinds}`;
        legend.replaceChildren(...kinds.map((kind) => el("span", {}, sign(kind), `${t(GUESTS[kind])}: ${t(GUEST_STORIES[kind])}`)));
      }
      const text = t(seen(state));
      if (sentence.textContent !== text) sentence.textContent = text;
    },
  };
}

/** The models as options, by family; the first nine have their key before the name. */
function families(models) {
  const found = new Map();
  models.forEach((model, at) => {
    const family = model.family[language()];
    const key = at < 9 ? `${at + 1}  ` : "";
    const text = model.obstacle ? `${model.name} – ${t(model.obstacle)}` : `${key}${model.name}`;
    const option = el("option", { value: model.name, disabled: Boolean(model.obstacle) }, text);
    found.set(family, [...(found.get(family) ?? []), option]);
  });
  return [...found];
}
