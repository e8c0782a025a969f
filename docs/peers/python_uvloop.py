"""An echo server with uvloop: asyncio's interface, and libuv as its loop.

The idea: one thread, one event loop, as in `python_asyncio.py`, but the loop is written in Cython on libuv, the library of
Node. This file uses a `Protocol`, whose methods uvloop calls at each event: the fastest interface of uvloop, and the one
that is comparable with `node.mjs` and `c_libuv.c`. asyncio's streams run on uvloop, too, and take more time.

Similar portlab model: `event-loop`.

What blocks: everything. While a method runs, all other clients wait.

What a connection costs: a transport and a protocol, some KiB; a descriptor. Per message a `read`, a `write`, a share
of one `epoll_wait`, and one call of a Python method, which takes most of the time.

What breaks first: the one processor on which the loop runs.

Run it: python3 python_uvloop.py 9090
"""

# Needs from PyPI: uvloop

import asyncio
import signal
import sys

import uvloop


class Echo(asyncio.Protocol):
    """One connection. (uvloop sets TCP_NODELAY itself.)"""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        # `write` sends as much as the kernel takes, and stores the rest.
        self.transport.write(data)

    def pause_writing(self):
        # The transport stores more than 64 KiB that the kernel didn't take: until the client reads, it isn't read.
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()

    # `eof_received` is inherited: after the client's FIN the transport sends what it stores, then closes.


async def main(port):
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # The loop calls these handlers between two events, never while a method runs.
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(Echo, "127.0.0.1", port, backlog=1024, reuse_address=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
