# Bug: a page that doesn't exist ends the program with sys.exit.
import asyncio
import sys

PAGES = {"/": "<h1>首页</h1>"}


async def serve(reader, writer):
    try:
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.decode("utf-8", "replace").split()[1]
    except (asyncio.IncompleteReadError, ConnectionError, IndexError):
        writer.close()
        return
    if path not in PAGES:
        sys.exit(f"没有这个页面：{path}")
    body = PAGES[path].encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n")
    writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 8080)
    async with server:
        await server.serve_forever()


asyncio.run(main())
