# Right: each client has a buffer of its own.
import asyncio


class Lines(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""

    def data_received(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.transport.write("收到 ".encode() + line + b"\n")


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Lines, "127.0.0.1", 8080)
    await server.serve_forever()


asyncio.run(main())
