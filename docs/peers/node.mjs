// An echo server with callbacks: Node's `net`, on libuv's event loop.
//
// The idea: one thread, one event loop, and no code of the program waits. The program registers
// callbacks for events (a connection, data, an end) and returns to the loop. `pipe` registers such callbacks:
// received data is written back; while the other side takes no more, reading pauses (back-pressure); after
// the last received byte, `pipe` ends the writing side.
//
// Similar portlab model: `event-loop`.
//
// What blocks: everything. While a callback runs, no other client is served.
//
// What a connection costs: a socket object with its two streams, about 3 KiB of the JavaScript heap; a
// descriptor. No thread. Node itself starts with about ten more threads (for compiling, garbage collection,
// files and names) and about 40 MiB. Per message a `read`, a `write`, a share of one `epoll_wait`, and some
// calls between C++ and JavaScript.
//
// What breaks first: the one processor on which the loop runs; and the pauses of the garbage collector.
//
// The server gets faster while it runs: Node interprets the code at first, and compiles frequently used
// code. A short measurement includes both.
//
// Run it: node node.mjs 9090

import net from "node:net";
import process from "node:process";

// With `allowHalfOpen`, the server's side stays open after the client's FIN until the program ends it; here
// `pipe` does. Without the option, Node ends the server's side itself: data that has been written is still
// sent, but a later write is an error. This echo never writes later, but many other servers do.
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  // A small answer is sent at once; Nagle's algorithm would delay it.
  socket.setNoDelay(true);
  // The client has reset the connection (RST). Without this handler, the error would end the program.
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
});

// libuv sets SO_REUSEADDR itself.
server.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 1024 });

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => process.exit(0));
}
