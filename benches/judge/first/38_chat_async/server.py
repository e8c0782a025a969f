# 聊天室 asyncio版
# 第一行是昵称, 之后每一行都转发给其他人
import asyncio
import sys


class Room:
    def __init__(self):
        self.people = {}        # writer -> 昵称

    def tell(self, writer, text):
        if writer.transport.get_write_buffer_size() > 1_000_000:
            writer.transport.abort()        # 只发不收的客户端不要了
            return
        writer.write(text.encode('utf-8') + b'\n')

    def broadcast(self, text, me=None):
        for w in list(self.people):
            if w is not me and not w.is_closing():
                self.tell(w, text)

    async def come(self, reader, writer):
        try:
            name = await self.line(reader)
            if name is None:
                return
            name = name.strip() or '无名'
            self.people[writer] = name
            self.tell(writer, '欢迎 ' + name)
            self.broadcast(name + ' 来了', writer)
            while True:
                text = await self.line(reader)
                if text is None:
                    break
                self.broadcast(name + ': ' + text, writer)
        except (OSError, ValueError) as e:
            print('断开', e)
        finally:
            name = self.people.pop(writer, None)
            if name is not None:
                self.broadcast(name + ' 走了')
            writer.close()
            try:
                await writer.wait_closed()
            except OSError:
                pass

    async def line(self, reader):
        raw = await reader.readline()
        return raw.decode('utf-8', 'replace').rstrip('\r\n') if raw else None


async def main():
    room = Room()
    server = await asyncio.start_server(room.come, '', int(sys.argv[1]), limit=8192, backlog=128)
    async with server:
        await server.serve_forever()


asyncio.run(main())
