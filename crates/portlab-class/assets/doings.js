// What a lane may do and how a guest may behave: names and signs. No document is needed here.

/** What a lane does, in the order of the shares in a frame. */
export const DOINGS = ["accept", "wait", "client", "read", "handle", "block", "write", "run"];

/** The word for what a lane does. */
export const WORDS = {
  accept: { en: "accepts", zh: "等新连接" },
  wait: { en: "waits", zh: "等事件" },
  client: { en: "waits for it", zh: "等它的数据" },
  read: { en: "reads", zh: "读" },
  handle: { en: "handles", zh: "处理" },
  block: { en: "BLOCKED", zh: "阻塞" },
  write: { en: "writes", zh: "写" },
  run: { en: "runs", zh: "运行" },
};

/** The sign for what a lane does: a path in a square of 24. */
export const SIGNS = {
  accept: "M3 12h11M9 7l5 5-5 5M19 4v16",
  wait: "M6 3h12M6 21h12M7 3c0 7 10 11 10 18M17 3C17 10 7 14 7 21",
  client: "M4 12h.01M12 12h.01M20 12h.01",
  read: "M12 3v12M7 10l5 5 5-5M4 20h16",
  handle: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v4M12 18v4M2 12h4M18 12h4M5 5l3 3M16 16l3 3M19 5l-3 3M8 16l-3 3",
  block: "M8 2h8l6 6v8l-6 6H8l-6-6V8zM7 12h10",
  write: "M12 20V8M7 13l5-5 5 5M4 4h16",
  run: "M7 4l12 8-12 8z",
};

/** How a guest behaves, and what it does to a server. */
export const GUESTS = {
  silent: { en: "silent", zh: "沉默" },
  slow: { en: "slow", zh: "慢速" },
  "never-reads": { en: "never reads", zh: "从不读" },
  resets: { en: "resets", zh: "复位" },
  "half-close": { en: "half-close", zh: "半关闭" },
};

/** What a guest does, in a sentence. */
export const GUEST_STORIES = {
  silent: { en: "connects, and sends nothing", zh: "建立连接，什么也不发" },
  slow: { en: "sends a byte every 300 ms", zh: "每 300 毫秒发一个字节" },
  "never-reads": { en: "sends without end, and never reads an answer", zh: "一直发送，从不读回答" },
  resets: { en: "sends half of a message; resets the connection after a second", zh: "发半条消息，一秒后复位连接（RST）" },
  "half-close": { en: "sends a message and its FIN, then reads to the end", zh: "发一条消息和 FIN，然后一直读到结束" },
};

/** The outline of a guest's dot in the square from -1 to 1. */
export const SHAPES = {
  silent: "M-.95-.95H.95V.95H-.95z",
  slow: "M-.55-1H.55L1.1 0 .55 1H-.55L-1.1 0z",
  "never-reads": "M0-1.3L1.3 0 0 1.3-1.3 0z",
  resets: "M0-1.35L.38-.92.95-.95.92-.38 1.35 0 .92.38.95.95.38.92 0 1.35-.38.92-.95.95-.92.38-1.35 0-.92-.38-.95-.95-.38-.92z",
  "half-close": "M.7-1V1H-.1A1 1 0 0 1-.1-1z",
};
