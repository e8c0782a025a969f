# Right: a request ends at its empty line.
import asyncio


async def serve(reader, writer):
    try:
        words = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace").split()
        found = words[1:2] == ["/"]
        status = "200 OK" if found else "404 Not Found"
        body = ("<h1>首页</h1>" if found else "<h1>没有这个页面</h1>").encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 8080)
    async with server:
        await server.serve_forever()


asyncio.run(main())
