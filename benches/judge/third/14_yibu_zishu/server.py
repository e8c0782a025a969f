# 协程服务器: 重复这一行并且统计字数
import asyncio


async def handle(reader, writer):
    text = ''
    try:
        while True:
            data = await reader.read(100)
            if not data:
                break
            text += data.decode('utf-8', errors='ignore')
            while '\n' in text:
                line, text = text.split('\n', 1)
                line = line.strip('\r')
                reply = '%s (%d个字)\n' % (line, len(line))
                writer.write(reply.encode('utf-8'))
                await writer.drain()
    except ConnectionError:
        print('客户端异常断开')
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(handle, '127.0.0.1', 21014,
                                        reuse_address=True, backlog=128)
    async with server:
        await server.serve_forever()

asyncio.run(main())
