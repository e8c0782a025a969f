"""An echo with a coroutine for every connection: asyncio's streams.

The idea: one thread, one event loop. A coroutine runs until it has to wait, says `await`, and the
loop goes on with another one whose data has come. The waiting is written where it happens, so the
code reads like that of a thread, line by line.

Streams or a `Protocol`? asyncio has both. A `Protocol` is called back (`data_received`) and took a
third less time per message when we tried, but it is an event loop's state machine and not a
coroutine: its kin would be `event-loop`, which `node.mjs` and `c_epoll.c` show already. Streams are
what coroutines look like.

portlab's kin: `tasks-single`.

What blocks: everything. Between two `await`s nobody else runs: a `time.sleep(1)` or a long sum in
one coroutine stops all clients for as long.

What a connection costs: a task, a reader with a buffer of its own and a transport, some 5 KiB; a
descriptor. No thread, no stack. Per message a `recv`, a `send`, and a share of one `epoll_wait`; the
rest, and that is most, is Python that runs the loop.

What breaks first: the one processor that it runs on.

Run it: python3 python_asyncio.py 9090
"""

import asyncio
import contextlib
import signal
import sys


async def echo(reader, writer):
    """One connection, in a task of its own. (asyncio sets TCP_NODELAY itself.)"""
    try:
        # An empty `read` is the client's FIN: it has said everything and still listens.
        while data := await reader.read(64 * 1024):
            writer.write(data)
            # `write` sends what it can and keeps the rest. `drain` waits while that is much: without
            # it, a client that never reads would fill our memory with its own words.
            await writer.drain()
        # Sends what is still kept, and closes then.
        writer.close()
        await writer.wait_closed()
    except (OSError, asyncio.CancelledError):
        # The client has gone without a word (RST), or the program ends: nothing more is sent.
        writer.transport.abort()
        # asyncio remembers how the connection was lost, and complains of it if nobody asks.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()


async def main(port):
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # The loop calls these between two coroutines, never in the midst of one.
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(echo, "127.0.0.1", port, backlog=1024, reuse_address=True)
    await stop.wait()
    server.close()
    # Tasks that still wait for their clients are cancelled by `asyncio.run`, on leaving.


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
