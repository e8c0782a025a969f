# Bug: a request is one read, so two sums in one segment, or half a sum, are answered wrongly.
import asyncio


async def serve(reader, writer):
    while True:
        try:
            data = await reader.read(1024)
        except ConnectionError:
            break
        if not data:
            break
        try:
            left, right = data.decode().split("+")
            answer = f"{int(left) + int(right)}\n"
        except ValueError:
            answer = "请输入：1+2\n"
        writer.write(answer.encode())
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 8080)
    async with server:
        await server.serve_forever()


asyncio.run(main())
