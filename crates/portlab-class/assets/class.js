// The page: tabs, keys, language.

import { beginWith, chooseLanguage, el, fetchAsTeacher, language, t } from "./app.js";
import * as replies from "./console.js";
import * as kernel from "./kernel.js";
import * as lanes from "./lanes.js";
import * as wall from "./wall.js";
import * as lessons from "./lessons.js";

/**
 * A tab: `name`, `title` {en, zh}, and `mount(root, about)`, which draws into `root` and returns what ends it;
 * `keys(event)` may take a key and return true.
 */
const TABS = [lanes, kernel, replies, lessons, wall];

const about = await (await fetch("/about.json")).json();
const teacher = await fetchAsTeacher("/teacher.json");
beginWith(about.lang);

let current;
let unmount = () => {};

function show(tab) {
  unmount();
  current = tab;
  history.replaceState(null, "", `#${tab.name}`);
  const main = document.getElementById("main");
  main.replaceChildren();
  main.className = tab.name;
  unmount = tab.mount(main, about);
  for (const button of document.querySelectorAll("#tabs button")) {
    const isCurrent = button.dataset.tab === tab.name;
    button.setAttribute("aria-current", isCurrent ? "page" : "false");
  }
}

function frame() {
  document.title = `portlab · ${t("class", "课堂")}`;
  const tabs = document.getElementById("tabs");
  tabs.replaceChildren(
    ...TABS.map((tab) => el("button", { type: "button", "data-tab": tab.name, onclick: () => show(tab) }, t(tab.title))),
  );
  const lang = document.getElementById("lang");
  lang.textContent = language() === "zh" ? "English" : "中文";
  lang.onclick = () => {
    chooseLanguage(language() === "zh" ? "en" : "zh");
    frame();
    show(current);
  };
  const join = document.getElementById("join");
  join.replaceChildren(
    ...(teacher
      ? [t("Join: ", "加入："), el("strong", {}, teacher.join.map((it) => it.replace(/^http:../, "")).join("  ")), t("  code ", "  口令 "), el("strong", {}, teacher.code)]
      : [t("View only: the teacher's address has the code that starts and stops servers.", "只能观看：启动和停止要用教师码，它在教师地址里。")]),
  );
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (current.keys?.(event)) event.preventDefault();
});

frame();
show(TABS.find((tab) => `#${tab.name}` === location.hash) ?? TABS[0]);
