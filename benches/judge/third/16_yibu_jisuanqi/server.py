# asyncio计算器, 每行一个算式: 3 + 4
import asyncio
import operator

OPS = {'+': operator.add, '-': operator.sub, '*': operator.mul, '/': operator.truediv}


def calc(text):
    parts = text.split()
    if len(parts) != 3 or parts[1] not in OPS:
        return '错误: 格式应为 数 运算符 数'
    try:
        a = float(parts[0])
        b = float(parts[2])
    except ValueError:
        return '错误: 不是数字'
    try:
        return '%g' % OPS[parts[1]](a, b)
    except ZeroDivisionError:
        return '错误: 除数为零'


async def client(reader, writer):
    addr = writer.get_extra_info('peername')
    print('连接', addr)
    try:
        while True:
            line = await reader.readline()
            if not line:
                break
            answer = calc(line.decode('utf-8', 'replace'))
            writer.write((answer + '\n').encode('utf-8'))
            await writer.drain()
    except (ConnectionError, ValueError) as e:
        print('出错', addr, e)
    finally:
        writer.close()
        print('断开', addr)


async def main():
    server = await asyncio.start_server(client, '127.0.0.1', 21016, limit=2 ** 24,
                                        reuse_address=True, backlog=128)
    async with server:
        await server.serve_forever()


if __name__ == '__main__':
    asyncio.run(main())
