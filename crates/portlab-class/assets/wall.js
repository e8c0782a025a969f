// The wall of servers: what `portlab judge --report` has sent, a card for each name.

import { code, el, post, t, watch } from "./app.js";

export const name = "wall";
export const title = { en: "Wall of servers", zh: "服务端墙" };

let order = "mark";

export function mount(root, about) {
  let cards = [];
  const grid = el("ol", { class: "cards" });
  const count = el("p", { class: "dim", role: "status" });
  const orders = el("div", { class: "switches", role: "group", "aria-label": t("Order", "排序") });

  function draw() {
    const newest = Math.max(0, ...cards.map((it) => it.number));
    const compare = {
      mark: (a, b) => b.mark - a.mark || a.name.localeCompare(b.name),
      name: (a, b) => a.name.localeCompare(b.name),
      newest: (a, b) => b.number - a.number,
    }[order];
    grid.replaceChildren(...cards.toSorted(compare).map((it) => card(it, it.number === newest)));
    count.textContent = cards.length
      ? t(`Names: ${cards.length}; with a full mark: ${cards.filter((it) => it.mark === it.of).length}`,
          `共 ${cards.length} 个名字，其中 ${cards.filter((it) => it.mark === it.of).length} 个满分`)
      : t("No server has been judged yet.", "还没有评测结果。");
    const choices = [["mark", t("by mark", "按分数")], ["name", t("by name", "按名字")], ["newest", t("newest first", "最新在前")]];
    orders.replaceChildren(...choices.map(([key, text]) => el("button", {
      type: "button", "aria-pressed": String(key === order), onclick: () => { order = key; draw(); },
    }, text)));
  }

  const clear = code && el("button", {
    type: "button",
    onclick: () => {
      if (confirm(t("Remove all cards?", "确定要清空吗？"))) post("/do/wall/clear");
    },
  }, t("Clear", "清空"));
  root.append(
    el("div", { class: "bar" }, orders, count, clear || null),
    how(about),
    grid,
  );
  draw();
  return watch({ wall: (now) => { cards = now; draw(); } });
}

/** What a student types. */
function how(about) {
  const page = `${location.protocol}//${about.addresses[0] ?? location.host}`;
  return el("section", { class: "how" },
    el("p", {}, t("Start your server. Then, in another terminal, judge it:", "先启动你的服务端，再打开另一个终端评测它：")),
    el("pre", {}, `portlab judge --at 127.0.0.1:8080 --report ${page} --name ${t("YOURNAME", "你的名字")}`),
    el("p", { class: "dim" }, !about.wide
      ? t("Only this machine reaches the page. For the class: portlab class --bind 0.0.0.0:8000",
          "现在只有本机能打开课堂。要让全班使用：portlab class --bind 0.0.0.0:8000")
      : t("Your server runs and is judged on your own machine; only the verdict comes here.",
          "服务端在你自己的电脑上运行和评测，发到这里的只有结果。")),
  );
}

function card(it, isNewest) {
  const isFull = it.mark === it.of;
  const main = it.bugs[0];
  const more = it.bugs.length - 1 + it.more_bugs;
  return el("li", { class: isFull ? "card full" : "card", "data-name": it.name, "data-mark": it.mark },
    el("div", { class: "card-head" },
      el("h2", {}, it.name),
      isNewest && el("span", { class: "flag" }, t("★ new", "★ 最新")),
      code && el("button", {
        type: "button", class: "small", "aria-label": t(`Remove ${it.name}`, `移除 ${it.name}`),
        onclick: () => post("/do/wall/remove", { name: it.name }),
      }, "✕"),
    ),
    el("p", { class: "mark" },
      el("strong", {}, String(it.mark)), el("span", { class: "of" }, ` / ${it.of}`), change(it),
      el("span", { class: "kind" }, it.kind === "client" ? t("client", "客户端") : t("server", "服务端")),
    ),
    bar(it),
    el("p", { class: "finding" }, main ? `✗ ${t(main.title)}` : t("✓ no fault found", "✓ 没有发现问题")),
    more > 0 && el("details", {},
      el("summary", {}, t(`${more} more`, `另有 ${more} 个问题`)),
      el("ul", {}, it.bugs.slice(1).map((bug) => el("li", {}, t(bug.title)))),
      it.more_bugs > 0 && el("p", { class: "dim" }, t(`and ${it.more_bugs} others`, `还有 ${it.more_bugs} 个`)),
    ),
    el("p", { class: "dim when" },
      new Date(it.at_unix_s * 1000).toTimeString().slice(0, 5),
      ` · ${t(`${it.passed} of ${it.judged} experiments`, `${it.judged} 项实验通过 ${it.passed} 项`)}`,
      it.times > 1 && ` · ${t(`judged ${it.times}×`, `第 ${it.times} 次评测`)}`,
    ),
  );
}

/** The earlier mark: what has changed. */
function change(it) {
  if (it.before === null) return null;
  const [sign, kind] = it.mark > it.before ? ["▲", "up"] : it.mark < it.before ? ["▼", "down"] : ["=", "same"];
  return el("span", { class: `change ${kind}` }, t(`${sign} was ${it.before}`, `${sign} 上次 ${it.before}`));
}

/** The mark as a bar of as many fields as there are points. */
function bar(it) {
  const fields = Array.from({ length: it.of }, (_, at) => el("span", { class: at < it.mark ? "on" : "" }));
  return el("div", { class: "points", "aria-hidden": "true" }, fields);
}
