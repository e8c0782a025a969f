// An echo with callbacks: Node's `net`, on libuv's event loop.
//
// The idea: one thread, one event loop, and no code of ours that waits. We say what is to be done when
// something has happened (a connection, data, an end), and return. `pipe` is three such callbacks that
// Node brings along: data is written back; when the other side takes no more, reading pauses until it
// does (back-pressure); at the end of what is read, writing ends.
//
// portlab's kin: `event-loop`.
//
// What blocks: everything. Until a callback returns, nobody else is served.
//
// What a connection costs: a socket object with its two streams, some 3 KiB of the JavaScript heap; a
// descriptor. No thread: the ten or so that Node has are for compiling, garbage, files and names, and
// there from the start, as are some 40 MiB. Per message a `read`, a `write`, a share of one
// `epoll_wait`, and some calls between C++ and JavaScript.
//
// What breaks first: the one processor that it runs on; and pauses, when the garbage is collected.
//
// It gets faster while it runs: the code is interpreted at first and compiled once it is hot. A short
// measurement sees both.
//
// Run it: node node.mjs 9090

import net from "node:net";
import process from "node:process";

// Without `allowHalfOpen` Node ends its side by itself at the client's FIN: what has been written still
// goes out, what would be written later is an error. This echo owes nothing later, most servers do;
// with it, the end is ours to say, and `pipe` says it.
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  // A small answer leaves at once instead of waiting for more to come (Nagle's algorithm).
  socket.setNoDelay(true);
  // The client has gone without a word (RST). An error that nobody listens to ends the program.
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
});

// libuv sets SO_REUSEADDR itself.
server.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 1024 });

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => process.exit(0));
}
