"use strict";
// Charts that answer to pointer, touch and keyboard. All texts and places come from the attributes that live/mod.rs lists.
(() => {
  const create = (name, className, ...children) => {
    const element = document.createElement(name);
    element.className = className;
    element.append(...children);
    return element;
  };
  const numbers = (list) => list.split(",").map((text) => (text === "" ? null : Number(text)));
  const clamp = (value, low, high) => Math.max(low, Math.min(value, high));
  // From the crosshair to the box of values.
  const GAP = 14;

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

  // A drawing with a crosshair. Its kinds have `places` along `axis`, and the rows that are read off at each.
  class Chart {
    constructor(svg, figure, texts, off) {
      Object.assign(this, { svg, figure, off, at: null, axis: "x" });
      ({ width: this.width, height: this.height } = svg.viewBox.baseVal);
      this.box = create("div", "live");
      svg.replaceWith(this.box);
      this.box.append(svg);
      this.read(texts);
      this.cross = this.draw("g", { class: "cross" }, svg);
      this.takeTitles();
      for (const name of svg.querySelectorAll("[data-b]")) this.addButton(name);
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
      const { svg } = this;
      svg.setAttribute("aria-label", svg.querySelector(":scope > title").textContent);
      svg.setAttribute("aria-describedby", svg.querySelector(":scope > desc").id);
      svg.removeAttribute("aria-labelledby");
      for (const title of svg.querySelectorAll("title")) title.remove();
    }

    addButton(name) {
      const s = name.dataset.s;
      const [left, top, width, height] = numbers(name.dataset.b);
      const button = create("button", "name");
      Object.assign(button, { type: "button", title: toggle });
      Object.assign(button.dataset, { of: s });
      button.setAttribute("aria-label", this.names[s]);
      button.setAttribute("aria-pressed", "true");
      for (const [side, part, whole] of [
        ["left", left, this.width], ["width", width, this.width], ["top", top, this.height], ["height", height, this.height],
      ]) button.style[side] = `${(100 * part) / whole}%`;
      const raise = (on) => {
        for (const part of this.svg.querySelectorAll("[data-s]")) {
          part.classList.toggle("back", on && !this.off.has(s) && part.dataset.s !== s);
        }
      };
      for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => raise(true));
      for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => raise(false));
      button.addEventListener("click", () => {
        this.switch(s);
        raise(false);
      });
      this.box.append(button);
    }

    // A series is off in all drawings of its figure.
    switch(s) {
      const off = !this.off.delete(s);
      if (off) this.off.add(s);
      for (const part of this.figure.querySelectorAll(`[data-s="${s}"]`)) part.classList.toggle("off", off);
      for (const button of this.figure.querySelectorAll(`[data-of="${s}"]`)) button.setAttribute("aria-pressed", !off);
      if (shown) shown.show(shown.at);
    }

    listen() {
      const { svg } = this;
      svg.tabIndex = 0;
      const follow = (event) => {
        const box = svg.getBoundingClientRect();
        const scale = this.width / box.width;
        const place = this.axis === "x" ? (event.clientX - box.left) * scale : (event.clientY - box.top) * scale;
        const far = (at) => Math.abs(this.places[at] - place);
        this.show(this.places.reduce((best, _, at) => (far(at) < far(best) ? at : best), 0));
      };
      svg.addEventListener("pointermove", follow);
      svg.addEventListener("pointerdown", follow);
      svg.addEventListener("pointerleave", (event) => {
        if (event.pointerType === "mouse") hide();
      });
      svg.addEventListener("blur", () => {
        if (shown === this) hide();
      });
      svg.addEventListener("keydown", (event) => {
        const last = this.places.length - 1;
        const at = shown === this ? this.at : null;
        const [back, on] = this.axis === "x" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
        const to = {
          [back]: at === null ? last : at - 1, [on]: at === null ? 0 : at + 1,
          PageUp: (at ?? last) - 10, PageDown: (at ?? 0) + 10, Home: 0, End: last,
        }[event.key];
        if (event.key === "Escape") hide();
        if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        this.show(clamp(to, 0, last));
      });
    }

    show(at) {
      if (shown !== this) hide();
      [shown, this.at] = [this, at];
      this.cross.replaceChildren();
      this.drawCross(at);
      const rows = this.rows(at).flatMap(({ name, text, sign }) => [
        create("dt", "", ...(sign ? [sign] : []), name), create("dd", "", text),
      ]);
      const head = create("p", "", `${this.head[0]} `, create("b", "", this.head[at + 1]));
      tip.replaceChildren(head, create("dl", "", ...rows));
      this.box.append(tip);
      tip.hidden = false;
      const [left, top] = this.corner(this.places[at]);
      Object.assign(tip.style, { left: `${left}px`, top: `${top}px` });
    }

    // The corner of the box: beneath the plot.
    corner(place) {
      const { clientWidth } = this.box;
      const scale = clientWidth / this.width;
      const room = Math.max(clientWidth - tip.offsetWidth, 0);
      return [clamp(place * scale - tip.offsetWidth / 2, 0, room), this.ends[1] * scale + 24];
    }

    drawCross(at) {
      const [top, bottom] = this.ends;
      this.draw("path", { class: "axis", d: `M${this.places[at]} ${top}V${bottom}` }, this.cross);
    }
  }

  // The texts, in rows of a name and a text for each place.
  const inRows = (texts, places) => {
    const width = places.length + 1;
    return texts.flatMap((_, at) => (at % width ? [] : [texts.slice(at, at + width)]));
  };

  class Lines extends Chart {
    read(texts) {
      this.places = numbers(this.svg.dataset.x);
      this.ends = numbers(this.svg.dataset.plot);
      this.head = texts.splice(0, this.places.length + 1);
      this.series = inRows(texts, this.places).map(([name, ...values], s) => {
        const line = this.svg.querySelector(`[data-s="${s}"][data-y]`);
        return { name, values, of: line?.getAttribute("class") ?? "", ys: line ? numbers(line.dataset.y) : [] };
      });
      this.names = this.series.map(({ name }) => name);
    }

    // In the order of the lines at the crosshair.
    rows(at) {
      const on = this.series.filter(({ values }, s) => values[at] && !this.off.has(String(s)));
      const rows = on.map(({ name, values, of, ys }) => (
        { name, text: values[at], sign: create("i", of), of, y: ys[at] ?? null }
      ));
      rows.sort((a, b) => (a.y ?? Number.MAX_VALUE) - (b.y ?? Number.MAX_VALUE));
      return rows;
    }

    drawCross(at) {
      super.drawCross(at);
      for (const { y, of } of this.rows(at)) {
        if (y !== null) this.draw("circle", { class: of, cx: this.places[at], cy: y, r: 4 }, this.cross);
      }
    }

    // Beside the crosshair, where there is more room.
    corner(place) {
      const { clientWidth } = this.box;
      const scale = clientWidth / this.width;
      const left = place * scale + (place < this.width / 2 ? GAP : -GAP - tip.offsetWidth);
      const fits = left >= 0 && left + tip.offsetWidth <= clientWidth;
      return fits ? [left, this.ends[0] * scale + 4] : super.corner(place);
    }
  }

  class Bars extends Chart {
    read(texts) {
      const ends = numbers(this.svg.dataset.rows);
      this.axis = "y";
      this.bands = ends.flatMap((top, at) => (at % 2 ? [] : [[top, ends[at + 1] - top]]));
      this.places = this.bands.map(([top, height]) => top + height / 2);
      this.head = texts.splice(0, this.places.length + 1);
      this.kinds = inRows(texts, this.places);
    }

    rows(at) {
      return this.kinds.flatMap(([name, ...values]) => (values[at] ? [{ name, text: values[at] }] : []));
    }

    drawCross(at) {
      const [y, height] = this.bands[at];
      this.draw("rect", { x: 0, y, width: this.width, height, rx: 6 }, this.cross);
    }

    // Beneath the row, or above it near the lower end.
    corner() {
      const { clientWidth } = this.box;
      const scale = clientWidth / this.width;
      const [y, height] = this.bands[this.at];
      const isLow = y + height / 2 > this.height / 2;
      return [
        Math.max(clientWidth - tip.offsetWidth, 0),
        isLow ? y * scale - tip.offsetHeight - 4 : (y + height) * scale + 4,
      ];
    }
  }

  class Strip extends Chart {
    read(texts) {
      const lanes = [...this.svg.querySelectorAll("[data-lane]")];
      this.names = texts.splice(0, this.svg.querySelectorAll("[data-b]").length);
      this.head = texts;
      const [top, bottom, left, right] = numbers(this.svg.dataset.plot);
      this.ends = [top, bottom];
      const step = (right - left) / (texts.length - 1);
      this.places = texts.slice(1).map((_, at) => left + (at + 0.5) * step);
      this.lanes = lanes.map((lane) => {
        const runs = [...lane.querySelectorAll(".slice")].flatMap((path) => (
          [...path.getAttribute("d").matchAll(/M([\d.]+) [\d.]+h([\d.]+)/g)].map(([, from, length]) => (
            { kind: path.dataset.s, from: Number(from), to: Number(from) + Number(length) }
          ))
        ));
        return { name: lane.dataset.lane, runs };
      });
    }

    rows(at) {
      const x = this.places[at];
      return this.lanes.map(({ name, runs }) => {
        const run = runs.find(({ from, to, kind }) => from <= x && x < to && !this.off.has(kind));
        const sign = create("i", "");
        sign.style.color = run ? `var(--s${run.kind})` : "transparent";
        return { name, text: run ? this.names[run.kind] : "–", sign };
      });
    }
  }

  const help = document.querySelector("[data-toggle]");
  const toggle = help?.dataset.toggle ?? "";
  for (const figure of document.querySelectorAll("[data-values]")) {
    const off = new Set();
    for (const svg of figure.querySelectorAll("svg.pl")) {
      const kind = svg.dataset.rows ? Bars : svg.querySelector("[data-lane]") ? Strip : Lines;
      new kind(svg, figure, figure.dataset.values.split("\n"), off);
      if (help) help.hidden = false;
    }
  }
  addEventListener("pointerdown", (event) => {
    if (shown && !shown.box.contains(event.target)) hide();
  });
})();
