"""An echo with a greenlet for every connection: gevent, the course's coroutine.

The idea: one thread, one event loop, as in asyncio, but nobody writes `await`. A greenlet has a stack
of its own; when its `recv` would block, gevent puts that stack aside and goes on with a greenlet
whose data has come. The code is that of `python_threads.py`, word for word, and the loop is
invisible.

That works only if the sockets are gevent's. `StreamServer` hands out its own; a program that makes
sockets itself says `from gevent import monkey; monkey.patch_all()` first, before any other import,
and then `socket`, `time.sleep` and `threading` are gevent's too.

portlab's kin: `tasks-single`, which schedules as this does; a greenlet keeps a stack though
(stackful), a task only what it needs after the `await` (stackless).

What blocks: everything that gevent doesn't know: a long sum, a library written in C that waits by
itself. It stops all clients, and no `await` in the code shows where that could happen. And a `recv`
that finds something doesn't wait, so nobody else runs: a client that is quick enough is served
again and again before the others.

What a connection costs: a greenlet with its stack, which is copied to the heap while it waits, some
10 KiB; a descriptor. No thread. Per message a `recv` (one more, if the first finds nothing and has to
wait), a `send`, before which `sendall` asks for the size of the socket's buffer, and a share of one
`epoll_wait`.

What breaks first: the one processor that it runs on.

Run it: python3 python_gevent.py 9090
"""

# Needs from PyPI: gevent

import signal
import socket
import sys

import gevent
from gevent.server import StreamServer


def echo(client, _address):
    """One connection, in a greenlet of its own; gevent closes it when this returns."""
    try:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # An empty `recv` is the client's FIN; by then `sendall` has sent all that we owe it.
        while data := client.recv(64 * 1024):
            client.sendall(data)
    except OSError:
        # The client has gone without a word (RST).
        pass


def main():
    # gevent sets SO_REUSEADDR itself.
    server = StreamServer(("127.0.0.1", int(sys.argv[1])), echo, backlog=1024)
    # Python's own handlers would have to wait for the loop, and the loop waits for clients.
    gevent.signal_handler(signal.SIGINT, server.stop)
    gevent.signal_handler(signal.SIGTERM, server.stop)
    server.serve_forever()


if __name__ == "__main__":
    main()
