"use strict";
// Tables that sort: a head is a button, pressed once for ascending, twice for descending, thrice for the original order.
(() => {
  // For each row its number in a column, or its text if there are no numbers; `null` where it's missing.
  const keysOf = (rows, column) => {
    const texts = rows.map(({ cells }) => cells[column]?.dataset.sort ?? cells[column]?.textContent.trim() ?? "");
    const isNumber = (text) => text !== "" && Number.isFinite(Number(text));
    if (texts.some(isNumber)) return texts.map((text) => (isNumber(text) ? Number(text) : null));
    return texts.map((text) => text || null);
  };
  const compare = (a, b) => (a < b ? -1 : Number(a > b));

  for (const table of document.querySelectorAll("table")) {
    const [body] = table.tBodies;
    const original = [...(body?.rows ?? [])];
    if (original.length < 2) continue;
    const heads = [...table.querySelectorAll("thead th")];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
        const order = next === undefined ? "ascending" : next;
        // Rows that are sorted don't stand family by family.
        for (const row of original) row.hidden = order !== null && row.className === "family";
        for (const other of heads) other.removeAttribute("aria-sort");
        if (order === null) return body.append(...original);
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const keys = keysOf(original, column);
        const places = original.map((_, at) => at).sort((a, b) => {
          // What is missing comes last in either order, and what is equal stays in the original order.
          if (keys[a] === null || keys[b] === null) return Number(keys[a] === null) - Number(keys[b] === null);
          return sign * compare(keys[a], keys[b]);
        });
        return body.append(...places.map((at) => original[at]));
      });
    });
  }
})();
