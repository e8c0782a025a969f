// Texts of lessons as elements, and the bars of a vote. The server sends data; no text is markup.

import { el, t } from "./app.js";

/** Pieces `[mark, text]` as elements. */
export const inline = (pieces) => pieces.map(([mark, text]) => (mark ? el(mark, {}, text) : text));

/** The same without marks. */
export const plain = (pieces) => pieces.map(([, text]) => text).join("");

/** Blocks as elements; items beside each other are one list. */
export function blocks(list) {
  const elements = [];
  for (const block of list) {
    if (block.kind !== "item") {
      elements.push(BLOCKS[block.kind](block));
      continue;
    }
    if (elements.at(-1)?.tagName !== "UL") elements.push(el("ul"));
    elements.at(-1).append(el("li", {}, inline(block.text)));
  }
  return elements;
}

// A wide block scrolls by itself, also by keyboard.
const BLOCKS = {
  paragraph: ({ text }) => el("p", {}, inline(text)),
  lines: ({ text }) => el("pre", { class: "lines", tabindex: 0, "aria-label": t("output", "输出"), role: "group" }, text),
  code: ({ caption, text }) =>
    el(
      "figure",
      { class: "code" },
      caption === "$" ? null : el("figcaption", {}, caption),
      el("pre", { tabindex: 0, "aria-label": caption, role: "group" }, text),
    ),
  picture: ({ text }) => el("p", { class: "picture" }, t(`[picture: ${text}]`, `［图：${text}］`)),
};

const LETTERS = "ABCDEFGH";

/**
 * The answers to choose from, each with a letter. With `counts`, a bar beneath each; `right` is marked by a tick as well
 * as by colour; `chosen` is this device's; `choose(place)` makes them buttons.
 */
export function options(list, { counts = null, right = null, chosen = null, choose = null } = {}) {
  const all = counts?.reduce((sum, it) => sum + it, 0) ?? 0;
  return el(
    "ol",
    { class: "options" },
    list.map((pieces, at) => {
      const isRight = right === at;
      const words = el("span", { class: "words" }, inline(pieces));
      const letter = el("b", { class: "letter", "aria-hidden": "true" }, LETTERS[at]);
      const share = all ? Math.round((100 * counts[at]) / all) : 0;
      const bar = counts && el("span", { class: "share" }, el("i"));
      if (bar) bar.firstChild.style.width = `${share}%`;
      const count = counts && el("b", { class: "count" }, t(`${counts[at]} (${share}%)`, `${counts[at]} 票 · ${share}%`));
      const hint = isRight ? el("span", { class: "note" }, t("✓ right answer", "✓ 正确答案")) : null;
      const mine = chosen === at ? el("span", { class: "note" }, t("● your vote", "● 你的选择")) : null;
      const classes = ["option", isRight && "right", chosen === at && "chosen"].filter(Boolean).join(" ");
      const inside = [letter, words, mine, hint, count, bar];
      return el(
        "li",
        {},
        choose
          ? el("button", { type: "button", class: classes, "aria-pressed": String(chosen === at), onclick: () => choose(at) }, inside)
          : el("div", { class: classes }, inside),
      );
    }),
  );
}
