// What all tabs share: the language, elements, requests, streams of events.
//
// Texts of other people (names, lines, messages) reach the page through textContent alone, so none of them is markup.

/** The teacher's code: behind `#teacher=` in the address, and kept for this tab of the browser. */
const found = new URLSearchParams(location.hash.slice(1)).get("teacher");
if (found) {
  sessionStorage.setItem("teacher", found);
  // The address bar is on the projector.
  history.replaceState(null, "", location.pathname);
}
export const code = sessionStorage.getItem("teacher") ?? "";

let lang = localStorage.getItem("lang");

/** The language of this browser: "en" or "zh". */
export const language = () => lang ?? "zh";

export function chooseLanguage(chosen) {
  lang = chosen;
  localStorage.setItem("lang", chosen);
  document.documentElement.lang = chosen;
}

/** The page's language, unless this browser has chosen one. */
export function beginWith(chosen) {
  lang ??= chosen;
  document.documentElement.lang = lang;
}

/** The text in the language of this browser: t("Start", "开始"), or t({en, zh}) from the server. */
export const t = (en, zh) => (typeof en === "object" ? en?.[language()] ?? "" : language() === "zh" ? zh : en);

/** Makes an element: el("button", {type: "button", onclick, class: "big"}, "text", child, ...). */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  set(element, attributes);
  element.append(...children.flat(Infinity).filter((it) => it !== null && it !== undefined && it !== false));
  return element;
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  set(element, attributes);
  element.append(...children.flat().filter((it) => it !== null && it !== undefined));
  return element;
}

export function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === false || value === null || value === undefined) element.removeAttribute(key);
    else element.setAttribute(key, value === true ? "" : value);
  }
}

/** Sends a request with the teacher's code. Shows why it was refused, and returns whether it was carried out. */
export const post = async (path, body = {}) => (await send(path, body)).ok;

/** The same, and returns the answer's {ok, status}; the status is 0 if no answer came. */
export async function send(path, body = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-teacher": code },
      body: JSON.stringify(body),
    });
  } catch {
    notice(t("The page has ended, or the network is gone.", "课堂已经结束，或者网络断了。"));
    return { ok: false, status: 0 };
  }
  const why = answer.ok ? null : await answer.json().catch(() => null);
  notice(answer.ok ? "" : why?.en ? t(why) : `${answer.status} ${answer.statusText}`);
  return answer;
}

/** Gets JSON that only the teacher may see; null without the right code. */
export async function fetchAsTeacher(path) {
  if (!code) return null;
  const answer = await fetch(path, { headers: { "x-teacher": code } }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

/** Shows a message at the bottom until the next one; an empty text removes it. */
export function notice(text) {
  const place = document.getElementById("notice");
  place.textContent = text;
  place.hidden = !text;
}

/**
 * Watches topics: each value, parsed, goes to the function of the topic's name. Returns a function that ends it.
 * The server sends the newest value first, and each newer one as fast as this browser takes it.
 */
export function watch(handlers) {
  let stream = null;
  let again = 0;
  const open = () => {
    stream = new EventSource(`/events?topics=${Object.keys(handlers).join(",")}`);
    for (const [topic, handle] of Object.entries(handlers)) {
      stream.addEventListener(topic, (event) => {
        const value = JSON.parse(event.data);
        if (value !== null) handle(value);
      });
    }
    // The browser itself tries again after a lost connection, but not after a refusal, such as "too many streams".
    stream.onerror = () => {
      if (stream.readyState === EventSource.CLOSED) again = setTimeout(open, 2000);
    };
  };
  open();
  return () => {
    clearTimeout(again);
    stream.close();
  };
}
