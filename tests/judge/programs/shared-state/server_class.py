# Bug: `parts` belongs to the class, so all clients write to one list.
import asyncio


class Lines(asyncio.Protocol):
    parts = []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.parts.append(data)
        if b"\n" in data:
            text = b"".join(self.parts)
            self.parts.clear()
            *lines, rest = text.split(b"\n")
            self.parts.append(rest)
            for line in lines:
                self.transport.write("收到 ".encode() + line + b"\n")


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Lines, "127.0.0.1", 8080)
    await server.serve_forever()


asyncio.run(main())
