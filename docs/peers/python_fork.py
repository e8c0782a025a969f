"""An echo with a process for every connection: `socketserver.ForkingTCPServer`.

The idea: the parent accepts and forks. The child is a copy of the whole program with the connection
already in its hand; it serves that one client and ends. Whatever it breaks, it breaks for itself:
no lock, no shared variable, and no GIL between two clients, so all processors work.

portlab's kin: `fork`.

What blocks: only the client's own process.

What a connection costs: a process. Its memory is the parent's until somebody writes to it (copy on
write), and Python writes whenever it looks at an object, to count references: about 1 MiB is its
own. A fork takes the better part of a millisecond. Per message a `recv`, a `send`, and a switch
between processes.

What breaks first: accepting. The parent forks for every client, and looks at every living child
each time: about a thousand short connections a second are the end of it. And no client can reach
another one: what is said to one process, the others don't hear.

Three things every forking server must do, and where they are done here: the parent closes its copy
of the connection, or the client never sees the end (socketserver does); the child closes its copy of
the listening socket, or the port stays taken when the parent has gone (`setup`); and the parent
waits for its children, or they stay as zombies (socketserver does, ten times a second and at each new
client).

Run it: python3 python_fork.py 9090
"""

import contextlib
import os
import signal
import socket
import socketserver
import sys


class Echo(socketserver.BaseRequestHandler):
    """One connection, in a process of its own."""

    def setup(self):
        # From here on this is a child: a signal ends it as it ends any program.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.server.socket.close()
        # A small answer leaves at once instead of waiting for more to come (Nagle's algorithm).
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self):
        try:
            # An empty `recv` is the client's FIN; by then `sendall` has sent all that we owe it.
            while data := self.request.recv(64 * 1024):
                self.request.sendall(data)
        except OSError:
            # The client has gone without a word (RST).
            pass


class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    request_queue_size = 1024
    # socketserver stops accepting at 40 children, and says nothing.
    max_children = 100_000
    stopping = False

    @classmethod
    def stop(cls, *_):
        """The signal handler. It only leaves a note: an exception might come between the fork and
        the moment when the parent writes down the child's number, and that child would be lost."""
        cls.stopping = True

    def service_actions(self):
        """What `serve_forever` calls between any two clients."""
        super().service_actions()  # waits for children that have ended
        if self.stopping:
            raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGINT, Server.stop)
    signal.signal(signal.SIGTERM, Server.stop)
    with Server(("127.0.0.1", int(sys.argv[1])), Echo) as server:
        try:
            # How often it looks at the note when there are no clients.
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            # Children have nothing to save. Leaving the `with` waits for them.
            for child in server.active_children or ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
