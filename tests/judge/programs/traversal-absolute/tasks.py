# Bug: Path("static") / "/etc/passwd" is /etc/passwd.
import asyncio
from pathlib import Path


async def serve(reader, writer):
    try:
        request = await reader.readuntil(b"\r\n\r\n")
        name = request.decode("utf-8", "replace").split()[1].replace("/", "", 1) or "index.html"
        try:
            if ".." in name.split("/"):
                raise FileNotFoundError(name)
            status, body = "200 OK", (Path("static") / name).read_bytes()
        except (OSError, ValueError):
            status, body = "404 Not Found", b"not found"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, IndexError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 8080)
    async with server:
        await server.serve_forever()


asyncio.run(main())
