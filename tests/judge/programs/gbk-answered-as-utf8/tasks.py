# Bug: lines come in GBK and go back in UTF-8.
import asyncio


async def serve(reader, writer):
    try:
        while line := await reader.readline():
            text = line.decode("gbk", "replace").strip()
            writer.write(f"{text}，已记录\n".encode("utf-8"))
            await writer.drain()
    except (ConnectionError, ValueError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 8080)
    async with server:
        await server.serve_forever()


asyncio.run(main())
