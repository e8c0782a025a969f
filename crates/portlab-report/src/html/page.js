"use strict";
(() => {
  const root = document.documentElement;
  const theme = document.querySelector("button.theme");
  const order = ["auto", "light", "dark"];
  let at = 0;
  theme.hidden = false;
  theme.addEventListener("click", () => {
    at = (at + 1) % order.length;
    if (order[at] === "auto") delete root.dataset.theme;
    else root.dataset.theme = order[at];
    theme.textContent = theme.dataset[order[at]];
  });

  for (const button of document.querySelectorAll(".command button")) {
    const label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", () => {
      const code = button.parentElement.querySelector("code");
      const range = document.createRange();
      range.selectNodeContents(code);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      // A page opened from a file may have no clipboard API; execCommand still works there.
      const copied = () => {
        button.textContent = button.dataset.copied;
        setTimeout(() => { button.textContent = label; }, 1600);
      };
      if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(copied, () => {});
      else if (document.execCommand("copy")) copied();
    });
  }

  const links = new Map();
  for (const link of document.querySelectorAll("nav.contents a")) links.set(link.hash.slice(1), link);
  const seen = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) seen.add(entry.target.id);
      else seen.delete(entry.target.id);
    }
    let first = true;
    for (const [id, link] of links) {
      const current = first && seen.has(id);
      if (current) {
        first = false;
        link.setAttribute("aria-current", "true");
      } else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-15% 0px -60% 0px" });
  for (const section of document.querySelectorAll("main section")) observer.observe(section);

  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  });
})();
