// The run of a lesson: what its process prints, and the lines that are typed.

import { el, post, t } from "./app.js";

export class Run {
  /** `start` runs the step that is shown. */
  constructor(start) {
    this.start = start;
    this.value = null;
  }

  get isRunning() {
    return this.value?.state === "running";
  }

  element() {
    const button = (text, onclick, attributes = {}) => el("button", { type: "button", onclick, ...attributes }, text);
    this.button = button("", () => this.start(), { class: "go" });
    this.head = el("b", { role: "status" });
    this.output = el("pre", { class: "terminal", tabindex: 0, role: "group", "aria-label": t("Output of the run", "运行输出") });
    this.input = el("input", { "aria-label": t("A line for the lesson", "给课程输入一行"), maxlength: 200, autocomplete: "off" });
    this.form = el(
      "form",
      {
        class: "controls",
        onsubmit: (event) => {
          event.preventDefault();
          this.type(this.input.value);
          this.input.value = "";
        },
      },
      this.input,
      el("button", {}, t("Enter ⏎", "回车 ⏎")),
      button(t("■ Stop", "■ 停止"), () => post("/do/run/stop")),
    );
    this.panel = el(
      "aside",
      { class: "run", "aria-label": t("Run", "运行") },
      el("div", { class: "controls" }, this.button, this.head),
      this.output,
      this.form,
    );
    this.draw();
    return this.panel;
  }

  label(text) {
    // Without the teacher's code the panel is missing.
    if (this.button) this.button.textContent = text;
  }

  type(text) {
    return post("/do/run/line", { text });
  }

  show(value) {
    this.value = value;
    if (this.panel) this.draw();
  }

  draw() {
    const { value, isRunning } = this;
    this.panel.classList.toggle("idle", !value);
    this.form.hidden = !isRunning;
    this.output.hidden = !value;
    if (!value) return;
    this.head.textContent = isRunning
      ? t(`${value.lesson}: running`, `${value.lesson}：正在运行`)
      : `${value.lesson}${t(": ", "：")}${ended(value.exit)}`;
    const isAtEnd = this.output.scrollTop + this.output.clientHeight >= this.output.scrollHeight - 40;
    this.output.replaceChildren(
      ...value.lines.map((line) => (line[0] in KINDS ? el("span", {}, el("b", { class: KINDS[line[0]] }, line[0]), `${line.slice(1)}\n`) : `${line}\n`)),
      value.prompt ? el("strong", { class: "prompt" }, value.prompt) : "",
    );
    // The place stays for a reader who has scrolled back.
    if (isAtEnd) this.scrollToEnd();
  }

  scrollToEnd() {
    if (this.output) this.output.scrollTop = this.output.scrollHeight;
  }
}

function ended(exit) {
  if (exit === 0) return t("✓ finished, as the lesson says", "✓ 结束，和讲解一致");
  if (exit === 1) return t("✗ a result differs from what the lesson says", "✗ 有结果与讲解不符");
  if (exit === 2) return t("✗ this machine could not run it", "✗ 这台机器无法运行");
  return t("stopped", "已停止");
}

/** The marks at the beginning of a line. */
const KINDS = { "✓": "good", "✗": "bad", "?": "asks", "→": "asks" };
