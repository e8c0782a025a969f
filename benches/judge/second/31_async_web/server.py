#!/usr/bin/env python3
# asyncio 静态网站   用法: server.py 端口
import asyncio
import mimetypes
import pathlib
import sys
from http import HTTPStatus
from urllib.parse import unquote

WWW = (pathlib.Path(__file__).resolve().parent / "www")


def locate(target):
    path = unquote(target.partition("?")[0]).lstrip("/")
    try:
        file = (WWW / path).resolve()
        if not file.is_relative_to(WWW):
            return HTTPStatus.FORBIDDEN, None
        if file.is_dir():
            file = file / "index.html"
        return HTTPStatus.OK, (file.name, file.read_bytes())
    except (OSError, ValueError):
        return HTTPStatus.NOT_FOUND, None


async def send(writer, status, name="x.html", body=None, head_only=False):
    if body is None:
        body = f"<h1>{status.value} {status.phrase}</h1>\n".encode()
    ctype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if ctype.startswith("text/"):
        ctype += "; charset=utf-8"
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {ctype}\r\n" \
           f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    if not head_only:
        writer.write(body)
    await writer.drain()


async def talk(reader, writer):
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    except asyncio.LimitOverrunError:
        await send(writer, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return
    except (asyncio.IncompleteReadError, TimeoutError):
        return
    first, *lines = head.decode("latin-1").split("\r\n")
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "content-length" and value.strip().isdigit():
            left = int(value)
            while left > 0:
                part = await reader.read(min(left, 65536))
                if not part:
                    return
                left -= len(part)
    words = first.split(" ")
    if len(words) != 3 or not words[1].startswith("/"):
        await send(writer, HTTPStatus.BAD_REQUEST)
    elif words[0] not in ("GET", "HEAD"):
        await send(writer, HTTPStatus.NOT_IMPLEMENTED)
    else:
        status, found = locate(words[1])
        name, body = found or ("error.html", None)
        await send(writer, status, name, body, words[0] == "HEAD")


async def on_client(reader, writer):
    try:
        await talk(reader, writer)
    except ConnectionError as e:
        print("断开:", e, flush=True)
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass


async def main(port):
    server = await asyncio.start_server(on_client, "0.0.0.0", port, backlog=128)
    print(f"http://127.0.0.1:{port}/", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main(int(sys.argv[1])))
    except KeyboardInterrupt:
        pass
