"""An echo server with a process for every connection: `socketserver.ForkingTCPServer`.

The idea: the parent accepts a connection and forks. The child is a copy of the whole program with the
connection already open; it serves that one client and ends. If the child fails, other clients are not
affected. Clients share no lock, no variable and no GIL, so all processors work.

Similar portlab model: `fork`.

What blocks: only the client's own process.

What a connection costs: a process. A page of its memory is shared with the parent until one of them
writes to it (copy on write). Python counts the references to each object, so it writes even when it only
reads an object: about 1 MiB of each child isn't shared. A fork takes almost a millisecond. Per message a
`recv`, a `send`, and a switch between processes.

What breaks first: accepting. For every client the parent forks and checks each running child, so about a
thousand short connections per second is the limit. And clients can't exchange messages: a child doesn't
receive what another child has read.

Every forking server must do three things. The parent closes its copy of the connection; otherwise
the client never receives the end (socketserver does it). The child closes its copy of the listening
socket; otherwise the port stays in use after the parent has ended (`setup` does it). The parent waits for
its children; otherwise they stay as zombies (socketserver does it, ten times per second and at each new
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
        # This code runs in the child: from here on, a signal ends it at once (the default action).
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.server.socket.close()
        # A small answer is sent at once; Nagle's algorithm would delay it.
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self):
        try:
            # `recv` returns no bytes after the client's FIN; by then `sendall` has sent all answers.
            while data := self.request.recv(64 * 1024):
                self.request.sendall(data)
        except OSError:
            # The client has reset the connection (RST).
            pass


class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    request_queue_size = 1024
    # By default socketserver stops accepting when there are 40 children, without a message.
    max_children = 100_000
    stopping = False

    @classmethod
    def stop(cls, *_):
        """The signal handler. It only sets a flag. An exception might be raised after the fork but
        before the parent has stored the child's process id, and that child would never be ended."""
        cls.stopping = True

    def service_actions(self):
        """`serve_forever` calls this after each client, and after each `poll_interval`."""
        super().service_actions()  # reaps children that have ended
        if self.stopping:
            raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGINT, Server.stop)
    signal.signal(signal.SIGTERM, Server.stop)
    with Server(("127.0.0.1", int(sys.argv[1])), Echo) as server:
        try:
            # While no client connects, the flag is checked ten times per second.
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            # Children have nothing to save. The end of the `with` block waits for them.
            for child in server.active_children or ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
