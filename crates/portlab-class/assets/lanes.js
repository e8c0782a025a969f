// The lanes of one or two servers.

import { el, post, t, watch } from "./app.js";

export const name = "lanes";
export const title = { en: "Models at work", zh: "模型现场" };

export function mount(root, about) {
  const place = el("pre");
  root.append(
    el("button", { type: "button", onclick: () => post("/do/serve", { slot: 0, model: about.models[0].name }) }, t("Start", "启动")),
    place,
  );
  return watch({ lanes: (frames) => (place.textContent = JSON.stringify(frames, null, 1)) });
}
