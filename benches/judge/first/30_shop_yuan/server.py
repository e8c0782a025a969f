# 小商店网站  asyncio版   袁媛
# 用法: python3 server.py 端口号
import asyncio
import pathlib
import sys
from urllib.parse import unquote

PAGES = pathlib.Path(__file__).resolve().parent / 'pages'
TYPES = {'.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json'}


def load(url):
    """返回(内容, 类型)"""
    name = unquote(url.split('?')[0]).strip('/') or 'index.html'
    try:
        file = (PAGES / name).resolve()
        if PAGES in file.parents and file.is_file():
            return file.read_bytes(), TYPES.get(file.suffix, 'application/octet-stream')
    except (OSError, ValueError):
        pass
    # 页面不存在就显示提示页
    return (PAGES / 'sorry.html').read_bytes(), TYPES['.html']


async def browser(reader, writer):
    try:
        head = await asyncio.wait_for(reader.readuntil(b'\r\n\r\n'), 30)
        line = head.split(b'\r\n')[0].decode('latin-1')
        print(line)
        parts = line.split(' ')
        if len(parts) == 3 and parts[0] in ('GET', 'HEAD'):
            status = 'HTTP/1.1 200 OK'
            body, kind = load(parts[1])
        else:
            status = 'HTTP/1.1 400 Bad Request'
            body, kind = '<h1>请求格式错误</h1>'.encode('utf-8'), TYPES['.html']
        writer.write(f'{status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n'.encode())
        if parts[0] != 'HEAD':
            writer.write(body)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(browser, '0.0.0.0', int(sys.argv[1]), backlog=128)
    async with server:
        await server.serve_forever()


asyncio.run(main())
