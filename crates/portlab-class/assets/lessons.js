// The lessons: a list, one lesson step by step for the projector, its programs, its run, the votes of the class.

import { code, el, fetchAsTeacher, language, post, t, watch } from "./app.js";
import { print } from "./print.js";
import { programs } from "./programs.js";
import { Run } from "./run.js";
import { blocks, inline, options, plain } from "./texts.js";

export const name = "lessons";
export const title = { en: "Lessons", zh: "课程" };

/** What is open: it stays while another tab is shown, and when the page is loaded again. */
const open = JSON.parse(sessionStorage.getItem("lessons") ?? "null") ?? { lesson: null, sheet: 0, part: 0 };
/** What the tab shows, while it is shown. */
let tab = null;

export function mount(root) {
  tab = new Tab(root);
  const current = tab;
  return () => {
    current.end();
    tab = null;
  };
}

export function keys(event) {
  if (!tab?.lesson) return false;
  const isButton = event.target.closest?.("button, a, summary");
  if (isButton && (event.key === " " || event.key === "Enter")) return false;
  const does = {
    " ": () => (event.shiftKey ? tab.back() : tab.next()),
    ArrowRight: () => tab.next(),
    PageDown: () => tab.next(),
    ArrowLeft: () => tab.back(),
    PageUp: () => tab.back(),
    Escape: () => tab.close(),
    r: () => tab.start(),
    a: () => tab.ask(),
    Enter: () => tab.run.isRunning && tab.run.type(""),
  }[event.key];
  // A region that scrolls keeps the arrow keys.
  if (!does || (event.key.startsWith("Arrow") && event.target.closest?.("pre"))) return false;
  return does() !== false;
}

class Tab {
  constructor(root) {
    this.root = root;
    this.vote = null;
    this.run = new Run(() => this.start());
    // After a click, the space bar goes on instead of clicking again; a button that the keyboard reached stays.
    root.addEventListener("click", (event) => event.detail > 0 && event.target.closest("button")?.blur());
    this.unwatch = watch({
      run: (value) => this.run.show(value),
      join: (value) => {
        this.vote = value;
        this.drawVote();
      },
    });
    // Where students join: in large letters while a vote is open.
    if (code) fetchAsTeacher("/teacher.json").then((found) => (this.teacher = found));
    if (open.lesson) this.load(open.lesson, open.sheet, open.part);
    else this.list();
  }

  end() {
    this.unwatch();
    this.root = el("div");
  }

  /** The list of all lessons, by part. */
  async list() {
    this.lesson = null;
    this.keep(null, 0, 0);
    const all = await (await fetch("/lessons.json")).json();
    const parts = Map.groupBy ? Map.groupBy(all, (it) => it.part.en) : group(all);
    this.root.replaceChildren(
      el(
        "div",
        { class: "parts" },
        [...parts.values()].map((lessons) =>
          el(
            "section",
            {},
            el("h2", {}, t(lessons[0].part)),
            el(
              "ol",
              { class: "titles" },
              lessons.map((it) =>
                el(
                  "li",
                  {},
                  el(
                    "button",
                    { type: "button", class: "entry", onclick: () => this.load(it.name, 0, 0) },
                    el("b", {}, it.number),
                    el("span", {}, t(it.title)),
                    el("code", {}, it.name),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    );
  }

  async load(lesson, sheet, part) {
    const path = `/lesson/${lesson}.json?lang=${language()}`;
    const found = (code && (await fetchAsTeacher(path))) || (await fetch(path).then((it) => (it.ok ? it.json() : null)));
    if (!found) return this.list();
    this.lesson = found;
    this.sheets = sheets(found);
    this.frame();
    this.go(Math.min(sheet, this.sheets.length - 1), part);
  }

  close() {
    this.list();
  }

  keep(lesson, sheet, part) {
    Object.assign(open, { lesson, sheet, part });
    sessionStorage.setItem("lessons", JSON.stringify(open));
  }

  /** What stays while one goes through a lesson. */
  frame() {
    const button = (text, onclick, attributes = {}) => el("button", { type: "button", onclick, ...attributes }, text);
    this.marks = this.sheets.map((sheet, at) => button(sheet.mark, () => this.go(at, 0), { "aria-label": sheet.label }));
    this.sheet = el("article", { class: "sheet", "aria-live": "polite" });
    this.backButton = button(t("◀ Back", "◀ 上一步"), () => this.back());
    this.nextButton = button(t("Next ▶", "下一步 ▶"), () => this.next(), { class: "go" });
    this.root.replaceChildren(
      el(
        "div",
        { class: "lesson" },
        el(
          "div",
          { class: "bar-of-lesson" },
          button(t("☰ All lessons", "☰ 全部课程"), () => this.close()),
          el("h2", {}, inline(this.lesson.title)),
          button(t("Print", "打印"), () => window.print()),
        ),
        el("nav", { class: "marks", "aria-label": t("Steps", "步骤") }, this.marks),
        el(
          "div",
          { class: "beside" },
          el("div", { class: "reading" }, this.sheet, el("div", { class: "go-on" }, this.backButton, this.nextButton,
            el("span", { class: "keys" }, hint()))),
          code ? this.run.element() : null,
        ),
      ),
      print(this.lesson),
    );
    this.run.scrollToEnd();
  }

  /** Shows a sheet up to one of its parts. */
  go(sheet, part) {
    const { parts } = this.sheets[sheet];
    const last = Math.min(part, parts.length - 1);
    const isNew = this.at?.sheet !== sheet || this.at.lesson !== this.lesson;
    this.at = { lesson: this.lesson, sheet, part: last };
    this.keep(this.lesson.name, sheet, last);
    this.marks.forEach((it, at) => it.setAttribute("aria-current", at === sheet ? "step" : "false"));
    this.voteElement = el("div", { class: "vote" });
    this.sheet.replaceChildren(...parts.slice(0, last + 1).map((draw) => draw(this)));
    this.backButton.disabled = sheet === 0 && last === 0;
    this.nextButton.disabled = sheet === this.sheets.length - 1 && last === parts.length - 1;
    this.run.label(this.step() ? t("▶ Run this step", "▶ 运行这一步") : t("▶ Run the lesson", "▶ 运行这节课"));
    this.drawVote();
    if (isNew) window.scrollTo(0, 0);
    else this.sheet.lastElementChild?.scrollIntoView({ block: "nearest" });
  }

  next() {
    const { sheet, part } = this.at;
    // One key doesn't end a vote and show its outcome at once.
    if (code && this.isAsked() && this.vote.state === "open") return post("/do/vote/close");
    if (part + 1 < this.sheets[sheet].parts.length) {
      // The class's phones show the outcome when the projector does.
      if (this.isAsked() && !this.vote.counts) post("/do/vote/show");
      this.go(sheet, part + 1);
    } else if (sheet + 1 < this.sheets.length) {
      this.go(sheet + 1, 0);
    }
  }

  back() {
    const { sheet, part } = this.at;
    if (part > 0) this.go(sheet, part - 1);
    else if (sheet > 0) this.go(sheet - 1, Infinity);
  }

  step() {
    return this.sheets[this.at.sheet].step;
  }

  /** Runs the step that is shown. */
  start() {
    if (!code || !this.lesson) return false;
    const step = this.step()?.key ?? null;
    return post("/do/run", { lesson: this.lesson.name, step, lang: language() });
  }

  /** Asks the class the question of the step that is shown. */
  ask() {
    const step = this.step();
    if (!code || !step?.ask) return false;
    return post("/do/vote/open", { lesson: this.lesson.name, step: step.key });
  }

  /** Whether the class is or was asked the question that is shown, and no other since. */
  isAsked() {
    return this.lesson?.name === this.vote?.lesson && this.step()?.key === this.vote.step;
  }

  /** The answers of the question that is shown, and how the vote stands. */
  drawVote() {
    const step = this.lesson && this.at && this.step();
    if (!step?.ask || !this.voteElement?.isConnected) return;
    const button = (text, path, classes = "") =>
      el("button", { type: "button", class: classes, onclick: () => post(path) }, text);
    const vote = this.isAsked() ? this.vote : null;
    const isRevealed = this.at.part >= step.revealedAt;
    const right = isRevealed ? step.outcome?.right : vote?.right;
    const again = vote ? t("Ask again", "再问一次") : t("Ask the class", "请全班投票");
    const ask = el("button", { type: "button", class: vote ? "" : "go", onclick: () => this.ask() }, again);
    const voters = vote && el("b", { class: "voters" }, t(`Votes: ${vote.voters}`, `已投 ${vote.voters} 票`));
    const isOpen = vote?.state === "open";
    const controls = !code || (isRevealed && !vote)
      ? []
      : [
          ...(isOpen ? [button(t("Close the vote", "结束投票"), "/do/vote/close")] : [ask]),
          ...(vote && !vote.counts ? [button(t("Show the outcome", "公布结果"), "/do/vote/show", "go")] : []),
          voters,
        ];
    const invite = isOpen && this.teacher
      ? el("p", { class: "invite" }, el("strong", {}, this.teacher.join[0]), t("  code ", "  口令 "), el("strong", {}, this.teacher.code))
      : "";
    this.voteElement.replaceChildren(
      invite,
      options(step.ask.options, { counts: vote?.counts, right }),
      el("div", { class: "controls" }, controls),
    );
    // The buttons stay on the screen when a vote begins or ends.
    const state = vote && `${vote.state}${vote.counts}`;
    if (state !== this.voteState && !isRevealed) this.voteElement.scrollIntoView({ block: "nearest" });
    this.voteState = state;
  }
}

const hint = () =>
  t("Space: next · Shift+Space: back", "空格：下一步 · Shift+空格：上一步") + (code ? t(" · R: run · A: ask", " · R：运行 · A：投票") : "");

function group(all) {
  const parts = new Map();
  for (const it of all) parts.set(it.part.en, [...(parts.get(it.part.en) ?? []), it]);
  return parts;
}

/** A lesson as sheets: the opening, each step, what to think about, the programs. A sheet is shown part by part. */
function sheets(lesson) {
  const part = (classes, heading, ...content) => () => el("section", { class: classes }, heading && el("h3", {}, heading), content);
  const list = [
    {
      mark: t("Start", "开始"),
      label: t("Start: goal and story", "开始：目标和比方"),
      parts: [
        part("goal", t("Goal", "目标"), blocks(lesson.goal)),
        part("story", t("The story", "打个比方"), blocks(lesson.story)),
      ],
    },
  ];
  lesson.steps.forEach((step, at) => {
    const parts = [
      () => el("section", { class: "say" }, el("h3", { class: "step-title" }, `${at + 1}. `, inline(step.title)), blocks(step.say)),
    ];
    if (step.ask) {
      const heading = t("What will happen?", "猜一猜");
      // Many questions are just that.
      const [first, ...more] = step.ask.question;
      const question = first?.kind === "paragraph" && plain(first.text) === heading ? more : step.ask.question;
      parts.push((tab) => el("section", { class: "ask" }, el("h3", {}, heading), blocks(question), tab.voteElement));
    }
    step.revealedAt = parts.length;
    if (step.outcome) {
      const { seen, claims, why } = step.outcome;
      const list = el("ul", { class: "claims" }, claims.map((it) => el("li", {}, inline(it))));
      parts.push(part("outcome", t("Seen, with the numbers of one run", "看到（号码以某一次运行为例）"), blocks(seen), list));
      if (why.length) parts.push(part("why", t("Why", "为什么"), blocks(why)));
    }
    list.push({ mark: String(at + 1), label: t(`Step ${at + 1}`, `第 ${at + 1} 步`), step, parts });
  });
  if (lesson.questions.length) {
    const parts = lesson.questions.flatMap(({ question, answer }) => [
      part("ask", t("Think about it", "想一想"), blocks(question)),
      ...(answer ? [part("answer", t("Answer", "答案"), blocks(answer))] : []),
    ]);
    list.push({ mark: "?", label: t("? Think about it", "? 想一想"), parts });
  }
  if (lesson.programs.length) {
    list.push({ mark: t("Programs", "程序"), label: t("Programs", "程序"), parts: [() => programs(lesson.programs)] });
  }
  return list;
}
