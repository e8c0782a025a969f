# bugs: none
import asyncio
import sys


async def main():
    reader, writer = await asyncio.open_connection("192.168.1.20", 9000)
    writer.write("你好\n".encode())
    await writer.drain()
    line = await reader.readline()
    print(line.decode().strip() if line.endswith(b"\n") else "服务端提前关闭了连接")
    writer.close()
    await writer.wait_closed()


try:
    asyncio.run(asyncio.wait_for(main(), 10))
except (OSError, asyncio.TimeoutError) as error:
    sys.exit(f"网络出错：{error!r}")
