// The page of students: type the class's code once, then answer what the teacher asks.

import { beginWith, chooseLanguage, el, language, post, send, t, watch } from "./app.js";
import { blocks, inline, options } from "./texts.js";

const about = await (await fetch("/about.json")).json();
beginWith(about.lang);

const main = document.getElementById("main");
/** The question, as the topic `join` has it. */
let question = null;
let hasJoined = false;

async function join(code) {
  hasJoined = await post("/join", { code });
  if (hasJoined) sessionStorage.setItem("join", code);
  else sessionStorage.removeItem("join");
  draw();
}

const place = () => `vote/${question.lesson}/${question.step}`;

/** This device's vote, as far as this browser remembers it; the server has the one that counts. */
function voted() {
  const found = sessionStorage.getItem(place());
  return found === null ? null : Number(found);
}

async function vote(option) {
  const { ok, status } = await send("/vote", { lesson: question.lesson, step: question.step, option });
  if (ok) sessionStorage.setItem(place(), option);
  // The class was started anew, so this device has to join again.
  if (status === 403) hasJoined = false;
  draw();
}

function form() {
  const input = el("input", {
    id: "code", name: "code", maxlength: 4, autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true,
  });
  return el(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        join(input.value);
      },
    },
    el("h2", {}, el("label", { for: "code" }, t("The class's code", "课堂口令"))),
    input,
    el("button", { class: "go" }, t("Join", "加入")),
    el("p", { class: "state" }, t("The code is on the projector. No name is asked for.", "口令在投影上。不用填姓名。")),
  );
}

const voters = () => t(`Votes: ${question.voters}`, `共 ${question.voters} 票`);

function asked() {
  const { title, question: text, options: list } = question[language()];
  const isOpen = question.state === "open";
  const chosen = voted();
  const state = isOpen
    ? chosen === null
      ? t("Choose an answer.", "请选一个答案。")
      : t("Your vote counts. You may change it until the vote is closed.", "已收到。投票结束前可以改。")
    : question.counts
      ? t("The vote is closed.", "投票已结束。")
      : t("The vote is closed. Wait for the outcome.", "投票已结束，等老师公布结果。");
  return [
    el("h2", {}, inline(title)),
    el("div", { class: "question" }, blocks(text)),
    options(list, { counts: question.counts, right: question.right, chosen, choose: isOpen ? vote : null }),
    el("p", { class: "state", "aria-live": "polite" }, state),
    el("p", { class: "state", id: "voters" }, voters()),
  ];
}

function draw() {
  document.title = t("portlab · answer", "portlab · 答题");
  const lang = document.getElementById("lang");
  lang.textContent = language() === "zh" ? "English" : "中文";
  lang.onclick = () => {
    chooseLanguage(language() === "zh" ? "en" : "zh");
    draw();
  };
  const typed = document.getElementById("code")?.value;
  const before = main.querySelectorAll("button, input").length;
  const focus = [...main.querySelectorAll("button, input")].indexOf(document.activeElement);
  main.replaceChildren(
    ...(!hasJoined
      ? [form()]
      : question
        ? asked()
        : [
            el("h2", {}, t("You have joined.", "已加入。")),
            el("p", { class: "state" }, t("Wait: the teacher's question will appear here.", "请等待：老师提问后，题目会出现在这里。")),
          ]),
  );
  const again = document.getElementById("code");
  if (again && typed) again.value = typed;
  if (focus >= 0 && main.querySelectorAll("button, input").length === before) main.querySelectorAll("button, input")[focus]?.focus();
}

watch({
  join: (value) => {
    const isSame = JSON.stringify({ ...question, voters: 0 }) === JSON.stringify({ ...value, voters: 0 });
    question = value;
    const number = document.getElementById("voters");
    // Buttons stay while others vote, so that no tap is lost.
    if (isSame && number) number.textContent = voters();
    else if (hasJoined) draw();
  },
});
const known = location.hash.slice(1) || sessionStorage.getItem("join");
if (known) await join(decodeURIComponent(known));
else draw();
