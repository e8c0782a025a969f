# 按行回显, 60秒不说话就断开
import socket
from threading import Thread


class 客户线程(Thread):
    def __init__(self, 套接字, 地址):
        Thread.__init__(self, daemon=True)
        self.套接字 = 套接字
        self.地址 = 地址

    def run(self):
        self.套接字.settimeout(60)
        缓冲 = bytearray()
        try:
            while True:
                数据 = self.套接字.recv(65536)
                if not 数据:
                    if 缓冲:
                        self.套接字.send(缓冲)
                    break
                缓冲 += 数据
                位置 = 缓冲.rfind(b'\n')
                if 位置 >= 0:
                    self.套接字.send(缓冲[:位置 + 1])
                    del 缓冲[:位置 + 1]
        except OSError as e:
            print(self.地址, e)
        finally:
            self.套接字.close()


监听 = socket.socket()
监听.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
监听.bind(('127.0.0.1', 21009))
监听.listen(128)
while True:
    客户线程(*监听.accept()).start()
