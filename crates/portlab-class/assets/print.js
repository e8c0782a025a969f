// A lesson for paper: all of it, with every outcome. Screens don't show it; a printer shows nothing else.

import { el, t } from "./app.js";
import { blocks, inline } from "./texts.js";

export function print(lesson) {
  const section = (heading, list) => (list.length ? [el("h3", {}, heading), ...blocks(list)] : []);
  return el(
    "article",
    { class: "paper" },
    el("h1", {}, inline(lesson.title)),
    section(t("Goal", "目标"), lesson.goal),
    section(t("The story", "打个比方"), lesson.story),
    lesson.steps.map((step, at) => el("section", {}, el("h2", {}, `${at + 1}. `, inline(step.title)), blocks(step.say), asked(step), outcome(step))),
    lesson.questions.map(({ question, answer }) =>
      el("section", {}, section(t("Think about it", "想一想"), question), section(t("Answer", "答案"), answer ?? [])),
    ),
    lesson.programs.map(({ file, text, command }) =>
      el("section", { class: "program" }, el("h2", {}, file), command ? el("pre", {}, command) : null, el("pre", { class: "lines" }, text)),
    ),
  );
}

function asked({ ask }) {
  if (!ask) return null;
  const answers = ask.options.map((it) => el("li", {}, inline(it)));
  const heading = el("h3", {}, t("What will happen?", "猜一猜"));
  return el("div", { class: "question" }, heading, blocks(ask.question), el("ol", { class: "choices" }, answers));
}

function outcome({ ask, outcome }) {
  if (!outcome) return [];
  const right = ask ? el("p", {}, el("b", {}, `✓ ${"ABCDEFGH"[outcome.right]} `), inline(ask.options[outcome.right])) : null;
  const claims = outcome.claims.map((it) => el("li", {}, inline(it)));
  const why = outcome.why.length ? [el("h3", {}, t("Why", "为什么")), ...blocks(outcome.why)] : [];
  return [el("h3", {}, t("Seen", "看到")), right, ...blocks(outcome.seen), el("ul", {}, claims), ...why].filter(Boolean);
}
