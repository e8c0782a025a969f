# -*- coding: utf-8 -*-
# 小说下载服务器: 客户端发一行书名, 服务器把整本书发给它然后断开
# python3 server.py 端口
import socket
import sys
import threading


def make_book(title, chapters):
    lines = ['《%s》' % title]
    for i in range(1, chapters + 1):
        lines.append('第%d回 ' % i + '话说天下大势,分久必合,合久必分。' * 20)
    lines.append('(全书完)')
    return '\n'.join(lines).encode('utf-8')


class BookServer:
    books = {
        '三国演义': make_book('三国演义', 6000),
        '短篇': make_book('短篇', 3),
    }

    def __init__(self, port):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.s.bind(('0.0.0.0', port))
        self.s.listen(128)

    def read_title(self, c):
        buf = b''
        while b'\n' not in buf and len(buf) < 1000:
            d = c.recv(256)
            if not d:
                break
            buf += d
        return buf.split(b'\n')[0].decode('utf-8', 'replace').strip()

    def handle(self, c, addr):
        # 超过60秒不理我们的客户端就断开
        c.settimeout(60)
        try:
            title = self.read_title(c)
            if title:
                print(addr, '要下载', title)
                c.send(self.books.get(title, '没有这本书\n'.encode('utf-8')))
                c.shutdown(socket.SHUT_WR)
                while c.recv(1024):     # 等对方收完
                    pass
        except OSError as e:
            print(addr, e)
        finally:
            c.close()

    def forever(self):
        while True:
            c, addr = self.s.accept()
            threading.Thread(target=self.handle, args=(c, addr), daemon=True).start()


BookServer(int(sys.argv[1])).forever()
