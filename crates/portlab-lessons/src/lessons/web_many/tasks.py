import asyncio
import sys

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def serve(reader, writer):
    if await reader.read(4096):
        writer.write(PAGE)
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    await server.serve_forever()


asyncio.run(main())
