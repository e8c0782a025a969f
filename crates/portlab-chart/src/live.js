"use strict";
// Charts that answer to pointer, touch and keyboard. All texts and places come from the attributes that live.rs lists.
(() => {
  const create = (name, className, text = "") => {
    const element = document.createElement(name);
    element.className = className;
    element.textContent = text;
    return element;
  };
  const numbers = (list) => list.split(",").map((text) => (text === "" ? null : Number(text)));
  const toggle = document.querySelector("[data-toggle]")?.dataset.toggle ?? "";

  // One box for the values: only one chart shows its crosshair at a time.
  const tip = create("div", "tip");
  tip.hidden = true;
  tip.setAttribute("role", "status");
  let shown = null;
  const hide = () => {
    tip.hidden = true;
    shown?.cross.replaceChildren();
    shown = null;
  };

  class Plot {
    constructor(svg, figure, head, series, off) {
      Object.assign(this, { svg, figure, head, series, off, at: null });
      this.xs = numbers(svg.dataset.x);
      [this.top, this.bottom] = numbers(svg.dataset.plot);
      this.width = svg.viewBox.baseVal.width;
      const lines = series.map((_, s) => svg.querySelector(`[data-s="${s}"][data-y]`));
      this.classes = lines.map((line) => line?.getAttribute("class") ?? "");
      this.ys = lines.map((line) => (line ? numbers(line.dataset.y) : []));
      this.box = create("div", "live");
      svg.replaceWith(this.box);
      this.box.append(svg);
      this.cross = this.draw("g", { class: "cross" }, svg);
      this.takeTitles();
      this.addButtons();
      this.listen();
    }

    draw(name, attributes, parent) {
      const element = document.createElementNS(this.svg.namespaceURI, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      parent.append(element);
      return element;
    }

    // The browser's own tooltips would cover the values.
    takeTitles() {
      const title = this.svg.querySelector(":scope > title");
      this.svg.setAttribute("aria-label", title.textContent);
      this.svg.setAttribute("aria-describedby", this.svg.querySelector(":scope > desc").id);
      this.svg.removeAttribute("aria-labelledby");
      for (const each of this.svg.querySelectorAll("title")) each.remove();
    }

    addButtons() {
      const { width, height } = this.svg.viewBox.baseVal;
      this.svg.querySelectorAll("[data-b]").forEach((name) => {
        const s = Number(name.dataset.s);
        const [x, y, w, h] = numbers(name.dataset.b);
        const button = create("button", "name");
        Object.assign(button, { type: "button", title: toggle });
        button.setAttribute("aria-label", this.series[s][0]);
        button.setAttribute("aria-pressed", "true");
        button.dataset.of = s;
        const percent = (part, whole) => `${(100 * part) / whole}%`;
        Object.assign(button.style, {
          left: percent(x, width), top: percent(y, height), width: percent(w, width), height: percent(h, height),
        });
        button.addEventListener("click", () => this.switch(s));
        const raise = (on) => this.svg.querySelectorAll("[data-s]").forEach((part) => {
          part.classList.toggle("back", on && !this.off.has(s) && part.dataset.s !== name.dataset.s);
        });
        for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => raise(true));
        for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => raise(false));
        this.box.append(button);
      });
    }

    // A series is off in all drawings of its figure.
    switch(s) {
      const off = !this.off.delete(s);
      if (off) this.off.add(s);
      for (const part of this.figure.querySelectorAll(`[data-s="${s}"]`)) part.classList.toggle("off", off);
      for (const part of this.svg.querySelectorAll(".back")) part.classList.remove("back");
      for (const button of this.figure.querySelectorAll(`[data-of="${s}"]`)) button.setAttribute("aria-pressed", !off);
      if (shown) shown.show(shown.at);
    }

    listen() {
      const { svg } = this;
      svg.tabIndex = 0;
      const follow = (event) => {
        const box = svg.getBoundingClientRect();
        const x = ((event.clientX - box.left) / box.width) * this.width;
        const far = (at) => Math.abs(this.xs[at] - x);
        this.show(this.xs.reduce((best, _, at) => (far(at) < far(best) ? at : best), 0));
      };
      svg.addEventListener("pointermove", follow);
      svg.addEventListener("pointerdown", follow);
      svg.addEventListener("pointerleave", (event) => {
        if (event.pointerType === "mouse") hide();
      });
      svg.addEventListener("blur", hide);
      svg.addEventListener("keydown", (event) => {
        const last = this.xs.length - 1;
        const at = shown === this ? this.at : null;
        const to = {
          ArrowLeft: at === null ? last : at - 1, ArrowRight: at === null ? 0 : at + 1,
          PageUp: (at ?? last) - 10, PageDown: (at ?? 0) + 10, Home: 0, End: last,
        }[event.key];
        if (event.key === "Escape") hide();
        if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        this.show(Math.min(Math.max(to, 0), last));
      });
    }

    show(at) {
      if (shown !== this) hide();
      [shown, this.at] = [this, at];
      const x = this.xs[at];
      this.cross.replaceChildren();
      this.draw("path", { class: "axis", d: `M${x} ${this.top}V${this.bottom}` }, this.cross);
      const rows = this.series.flatMap(([name, ...texts], s) => (
        this.off.has(s) || !texts[at] ? [] : [{ name, text: texts[at], y: this.ys[s][at] ?? null, of: this.classes[s] }]
      ));
      // The order of the lines at the crosshair.
      rows.sort((a, b) => (a.y ?? Infinity) - (b.y ?? Infinity) || 0);
      const list = create("dl", "");
      for (const { name, text, y, of } of rows) {
        if (y !== null) this.draw("circle", { class: of, cx: x, cy: y, r: 4 }, this.cross);
        const term = create("dt", "", name);
        term.prepend(create("i", of));
        list.append(term, create("dd", "", text));
      }
      const head = create("p", "", this.head[0]);
      head.append(" ", create("b", "", this.head[at + 1]));
      tip.replaceChildren(head, list);
      this.place(x);
    }

    // Beside the crosshair, on the side that has more room; beneath the plot where there is too little.
    place(x) {
      if (tip.parentElement !== this.box) this.box.append(tip);
      tip.hidden = false;
      const { clientWidth } = this.box;
      const scale = clientWidth / this.width;
      const room = clientWidth - tip.offsetWidth;
      const isLeft = x < this.width / 2;
      const left = x * scale + (isLeft ? GAP : -GAP - tip.offsetWidth);
      const fits = left >= 0 && left <= room;
      const beneath = Math.min(Math.max(x * scale - tip.offsetWidth / 2, 0), Math.max(room, 0));
      tip.style.left = `${fits ? left : beneath}px`;
      tip.style.top = `${fits ? this.top * scale + 4 : this.bottom * scale + 24}px`;
    }
  }
  const GAP = 14;

  for (const figure of document.querySelectorAll("[data-values]")) {
    const svgs = figure.querySelectorAll("svg[data-x]");
    const texts = figure.dataset.values.split("\n");
    const width = numbers(svgs[0].dataset.x).length + 1;
    const [head, ...series] = texts.flatMap((_, at) => (at % width ? [] : [texts.slice(at, at + width)]));
    const off = new Set();
    for (const svg of svgs) new Plot(svg, figure, head, series, off);
  }
  addEventListener("pointerdown", (event) => {
    if (shown && !shown.box.contains(event.target)) hide();
  });
})();
