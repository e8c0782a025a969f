# Bug: each read is decoded by itself, so a character that is cut becomes U+FFFD twice.
import asyncio


async def serve(reader, writer):
    try:
        while data := await reader.read(1024):
            text = data.decode("utf-8", "replace")
            writer.write(text.encode())
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 8080)
    async with server:
        await server.serve_forever()


asyncio.run(main())
