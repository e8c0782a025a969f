"""Temperature converter (asyncio).  "20C" -> "68.0F",  "68F" -> "20.0C", one per line."""
import asyncio
import sys


def convert(text):
    text = text.strip().upper()
    try:
        value, unit = float(text[:-1]), text[-1:]
    except ValueError:
        return 'error: write 20C or 68F'
    if unit == 'C':
        return '%.1fF' % (value * 9 / 5 + 32)
    if unit == 'F':
        return '%.1fC' % ((value - 32) * 5 / 9)
    return 'error: write 20C or 68F'


async def client(reader, writer):
    try:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                writer.write(b'error: line too long\n')
                await writer.drain()
                break
            if not line:
                break
            writer.write(convert(line.decode('utf-8', 'replace')).encode() + b'\n')
            await writer.drain()
    except ConnectionError as e:
        print('client lost', e)
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass


async def main(port):
    server = await asyncio.start_server(client, '', port, limit=4096, backlog=128)
    print('temperature service on port', port)
    async with server:
        await server.serve_forever()


if __name__ == '__main__':
    asyncio.run(main(int(sys.argv[1])))
