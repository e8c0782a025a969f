# Bug: the connection is closed at the client's FIN, while the answer is still being worked out.
import asyncio


class Lines(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.buffer = b""

    def data_received(self, data):
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            asyncio.get_running_loop().call_later(0.05, self.answer, line)

    def answer(self, line):
        if not self.transport.is_closing():
            self.transport.write(b"ok " + line + b"\n")


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Lines, "127.0.0.1", 8080)
    await server.serve_forever()


asyncio.run(main())
