# Bug: at the client's end, read returns b"" at once, for ever.
import asyncio


async def serve(reader, writer):
    while not writer.is_closing():
        try:
            data = await reader.read(1024)
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0)
        except ConnectionError:
            break
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 8080)
    async with server:
        await server.serve_forever()


asyncio.run(main())
