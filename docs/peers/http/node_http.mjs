// A static web server with streams: Node's `http` and `fs`.
//
// The idea: one thread runs the program's callbacks, as in node.mjs. Files are another matter: the system has no
// readiness for them, so a pool of four threads opens and reads files, and reports to the loop.
//
// Similar portlab model: `loop-pool`.
//
// What blocks: a callback that runs. Opening and reading a file don't, as long as one of the four threads is free.
//
// What a connection costs: a socket object with its parser, some KiB of the JavaScript heap; a descriptor. Per request four
// jobs of the pool (open, stat, read, close), and the file's bytes pass through JavaScript's buffers, 64 KiB at a time.
//
// What breaks first: the one processor on which the loop runs; and with a slow disk, the four threads.
//
// Run it: node node_http.mjs 9090 FOLDER

import { open, realpath } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";

const [port, folder] = [Number(process.argv[2]), await realpath(process.argv[3])];

const TYPES = { ".html": "text/html; charset=utf-8", ".txt": "text/plain; charset=utf-8", ".png": "image/png" };

// The file that the target of a request means. `new URL` removes `..`, and `realpath` follows links, also those that lead out
// of the folder.
async function fileOf(target) {
  const { pathname } = new URL(target, "http://localhost");
  const file = await realpath(path.join(folder, decodeURIComponent(pathname)));
  if (!file.startsWith(folder + path.sep)) throw new Error("it is outside of the folder");
  return file;
}

async function answer(request, response) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { Allow: "GET, HEAD" }).end();
    return;
  }
  const name = await fileOf(request.url);
  const file = await open(name);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error("it is a folder");
    const size = stat.size;
    response.writeHead(200, {
      "Content-Type": TYPES[path.extname(name)] ?? "application/octet-stream",
      "Content-Length": size,
      "Last-Modified": stat.mtime.toUTCString(),
    });
    if (request.method === "HEAD" || size === 0) {
      response.end();
    } else {
      // `end`: a file that grows meanwhile is sent up to the length that was promised. `pipeline` waits while the client
      // doesn't read (back-pressure).
      await pipeline(file.createReadStream({ end: size - 1, autoClose: false }), response);
    }
  } finally {
    await file.close();
  }
}

const server = http.createServer(async (request, response) => {
  try {
    await answer(request, response);
  } catch {
    // Without a head, there is no such file. After it, the client has closed, or the file has become shorter: then the length
    // would be wrong, and the connection ends.
    if (response.headersSent) response.destroy();
    else response.writeHead(404, { "Content-Length": 0 }).end();
  }
});

server.listen({ host: "127.0.0.1", port, backlog: 1024 });

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => process.exit(0));
}
