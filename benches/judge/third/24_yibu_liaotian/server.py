# 协程聊天室
import asyncio


class Room:
    def __init__(self):
        self.people = set()
        self.number = 0

    def send_all(self, me, text):
        for w in list(self.people):
            if w is not me and not w.is_closing():
                w.write(text.encode('utf-8'))

    async def enter(self, reader, writer):
        self.number += 1
        name = '用户%d' % self.number
        self.people.add(writer)
        try:
            while True:
                line = await reader.readline()
                if not line:
                    break
                self.send_all(writer, name + ': ' + line.decode('utf-8', 'replace').rstrip('\r\n') + '\n')
        except (ConnectionError, ValueError) as e:
            print(name, '出错', e)
        finally:
            self.people.discard(writer)
            writer.close()
            print(name, '离开')


async def main():
    room = Room()
    server = await asyncio.start_server(room.enter, '127.0.0.1', 21024,
                                        limit=1 << 24, reuse_address=True, backlog=128)
    print('聊天室开始')
    async with server:
        await server.serve_forever()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    print('结束')
