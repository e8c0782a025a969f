"""An echo server with a greenlet for every connection: gevent, coroutines without `await`.

The idea: one thread, one event loop, as in asyncio, but the code has no `await`. A greenlet has a stack
of its own. When its `recv` would block, gevent saves that stack and continues a greenlet whose data has
arrived. The handler has the same calls as that of `python_threads.py`, and the loop is invisible.

That works only with gevent's sockets. `StreamServer` passes such sockets to the handler. A program that
makes sockets itself first calls `from gevent import monkey; monkey.patch_all()`, before any other import;
then `socket`, `time.sleep` and `threading` are gevent's versions too.

Similar portlab model: `coroutines`, whose coroutines have stacks, too. `tasks-single` schedules in the same way, but a
task keeps only the values that it needs after the `await` (stackless), and a greenlet keeps a whole stack (stackful).

What blocks: everything that gevent can't interrupt: a long computation, or a library written in C that
waits by itself. It stops all clients, and no `await` shows where that could happen. If data
has already arrived, `recv` returns without a switch to another greenlet, so a fast client can be
served many times before the others.

What a connection costs: a greenlet with its stack, which is copied to the heap while it waits, about
10 KiB; a descriptor. No thread. Per message one `recv` (two, if the first finds no data and the greenlet
must wait), a `getsockopt` (`sendall` reads the size of the socket's buffer), a `send`, and a share of one
`epoll_wait`.

What breaks first: the one processor on which the loop runs.

Run it: python3 python_gevent.py 9090
"""

# Needs from PyPI: gevent

import signal
import socket
import sys

import gevent
from gevent.server import StreamServer


def echo(client, _address):
    """One connection, in a greenlet of its own; gevent closes it when this function returns."""
    try:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # `recv` returns no bytes after the client's FIN; by then `sendall` has sent all answers.
        while data := client.recv(64 * 1024):
            client.sendall(data)
    except OSError:
        # The client has reset the connection (RST).
        pass


def main():
    # gevent sets SO_REUSEADDR itself.
    server = StreamServer(("127.0.0.1", int(sys.argv[1])), echo, backlog=1024)
    # gevent runs these handlers in its loop. A handler of Python's `signal` would run late: only
    # when the loop, which waits for clients, returns to Python code.
    gevent.signal_handler(signal.SIGINT, server.stop)
    gevent.signal_handler(signal.SIGTERM, server.stop)
    server.serve_forever()


if __name__ == "__main__":
    main()
