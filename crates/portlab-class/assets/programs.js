// The programs of a lesson: to read, to copy, to download.

import { el, notice, t } from "./app.js";

export function programs(list) {
  return el("section", { class: "programs" }, list.map(program));
}

function program({ file, text, command, before }) {
  const button = (text, onclick) => el("button", { type: "button", onclick }, text);
  return el(
    "figure",
    { class: "code" },
    el(
      "figcaption",
      {},
      el("b", {}, file),
      " ",
      button(t("Copy", "复制"), () => copy(text)),
      " ",
      button(t("Download", "下载"), () => download(file, text)),
    ),
    before ? el("div", {}, t("First, in other terminals:", "先在别的终端里运行："), el("pre", { class: "command" }, before)) : null,
    command ? el("div", {}, t("Run it:", "运行："), el("pre", { class: "command" }, command)) : null,
    el("pre", { tabindex: 0, role: "group", "aria-label": file }, text),
  );
}

async function copy(text) {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    // The clipboard of a page on another machine, without TLS, takes a selection only.
    const area = el("textarea", { readonly: true, class: "off-screen" }, text);
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
  }
  notice(done ? t("Copied.", "已复制。") : t("This browser doesn't copy: download the file.", "这个浏览器不能复制：请下载文件。"));
}

function download(file, text) {
  const href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = el("a", { href, download: file.split("/").at(-1) });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}
