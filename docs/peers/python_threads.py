"""An echo server with a thread for every connection: `socketserver.ThreadingTCPServer`.

The idea: the main thread accepts a connection and starts a thread for it. That thread receives and sends
in plain, blocking code, as if there were no other client. A server by hand would have the same accept
loop and a `Thread` for each client; `socketserver` contains that loop.

Similar portlab model: `threads`.

What blocks: only the client's own thread. `recv` waits until the client sends, `sendall` waits until the
client reads, and meanwhile other threads serve other clients. But only one thread at a time runs Python
code, because the interpreter has one lock (the GIL): a waiting thread doesn't hold the lock, computing
threads take turns. So more processors don't help.

What a connection costs: a thread, about 20 KiB (most of the stack is reserved, not used), and a
descriptor. Per message a `recv`, a `send`, a switch between threads, and acquiring the GIL twice.

What breaks first: the GIL. With a hundred busy clients the threads spend more time on passing the GIL to
each other than on echoing.

Run it: python3 python_threads.py 9090
"""

import signal
import socket
import socketserver
import sys


class Echo(socketserver.BaseRequestHandler):
    """One connection, on a thread of its own."""

    def handle(self):
        try:
            # A small answer is sent at once; Nagle's algorithm would delay it.
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # `recv` returns no bytes after the client's FIN: the client sends nothing more. All
            # answers have been sent by then, because `sendall` returns when the kernel has taken all
            # bytes. (`send` may take only some of the bytes, and returns their number. On Linux a
            # blocking `send` mostly takes all bytes, so a program that ignores the number seems
            # right until there is a timeout or a signal.)
            while data := self.request.recv(64 * 1024):
                self.request.sendall(data)
        except OSError:
            # The client has reset the connection (RST), or Ctrl-C has closed it. Only this connection ends.
            pass


class Server(socketserver.ThreadingTCPServer):
    # Sets SO_REUSEADDR: after the server has ended, the next server can bind the port at once.
    allow_reuse_address = True
    # How many connections may wait to be accepted. socketserver's default of 5 is too small for a
    # load test.
    request_queue_size = 1024
    # When the main thread ends, the program ends, even if clients are still connected.
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
