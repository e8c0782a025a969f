"""An echo server with a coroutine for every connection: asyncio's streams.

The idea: one thread, one event loop. A coroutine runs until it has to wait at an `await`; then the
loop runs another coroutine whose data has arrived. Each wait is visible in the code, so the code
reads line by line like that of a thread.

Streams or a `Protocol`? asyncio has both. asyncio calls the methods of a `Protocol`, such as
`data_received`. In one measurement a `Protocol` took a third less time per message, but it is the state
machine of an event loop and not a coroutine: its similar model would be `event-loop`, which `node.mjs` and
`c_epoll.c` already show. So this file uses streams.

Similar portlab model: `tasks-single`.

What blocks: everything. Between two `await`s no other coroutine runs: a `time.sleep(1)` or a long
computation in one coroutine stops all clients for that time.

What a connection costs: a task, a reader with a buffer of its own and a transport, about 5 KiB; a
descriptor. No thread and no stack. Per message a `recv`, a `send`, and a share of one `epoll_wait`. Most of
the time is spent in the loop's own Python code.

What breaks first: the one processor on which the loop runs.

Run it: python3 python_asyncio.py 9090
"""

import asyncio
import contextlib
import signal
import sys


async def echo(reader, writer):
    """One connection, in a task of its own. (asyncio sets TCP_NODELAY itself.)"""
    try:
        # `read` returns no bytes after the client's FIN: the client sends nothing more, but may
        # still read.
        while data := await reader.read(64 * 1024):
            writer.write(data)
            # `write` sends as much as the kernel takes, and stores the rest. While much is stored,
            # `drain` waits: without it, a client that never reads would fill the server's memory.
            await writer.drain()
        # Sends the stored rest, then closes.
        writer.close()
        await writer.wait_closed()
    except (OSError, asyncio.CancelledError):
        # The client has reset the connection (RST), or the program ends: nothing more is sent.
        writer.transport.abort()
        # Retrieves the error that closed the connection, so that asyncio doesn't report it as an
        # error that was never retrieved.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()


async def main(port):
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # The loop calls these handlers between two events, never while a coroutine runs.
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(echo, "127.0.0.1", port, backlog=1024, reuse_address=True)
    await stop.wait()
    server.close()
    # Some tasks may still wait for their clients: `asyncio.run` cancels them.


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
