"""An echo with a thread for every connection: `socketserver.ThreadingTCPServer`.

The idea: the main thread accepts and starts a thread, and that thread talks to its client in plain,
blocking code, as if there were no other client. It is the server of the course with `Thread` in its
accept loop; `socketserver` has written the loop for us.

portlab's kin: `threads`.

What blocks: only the client's own thread. `recv` waits for its client to speak, `sendall` for its
client to read, and neither keeps anybody else waiting. But only one thread at a time runs Python
(the GIL, the interpreter's one lock): while threads wait they don't need it, while they compute they
take turns, so more processors don't help.

What a connection costs: a thread, some 20 KiB (its stack is reserved, not used), and a descriptor. Per
message a `recv`, a `send`, a switch between threads, and the GIL twice.

What breaks first: the GIL. With a hundred busy clients the threads spend more time on handing it to
each other than on echoing.

Run it: python3 python_threads.py 9090
"""

import signal
import socket
import socketserver
import sys


class Echo(socketserver.BaseRequestHandler):
    """One connection, on a thread of its own."""

    def setup(self):
        # A small answer leaves at once instead of waiting for more to come (Nagle's algorithm).
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self):
        try:
            # An empty `recv` is the client's FIN: it has said everything. What we owe it has been
            # sent by then, because `sendall` returns when all has been handed to the kernel. (`send`
            # may take a part of it and says how much. On Linux a blocking one mostly takes all, so
            # the mistake hides until there is a timeout or a signal.)
            while data := self.request.recv(64 * 1024):
                self.request.sendall(data)
        except OSError:
            # The client has gone without a word (RST). That is the end of this connection alone.
            pass


class Server(socketserver.ThreadingTCPServer):
    # The course's SO_REUSEADDR: the port can be taken again at once after the server has closed.
    allow_reuse_address = True
    # How many connections may wait to be accepted; 5 is socketserver's own, and far too few.
    request_queue_size = 1024
    # The end of the main thread is the end of the program, whoever is still connected.
    daemon_threads = True


def main():
    # SIGTERM does what Ctrl-C does in Python: it raises KeyboardInterrupt in the main thread.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Server(("127.0.0.1", int(sys.argv[1])), Echo) as server:
            server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
