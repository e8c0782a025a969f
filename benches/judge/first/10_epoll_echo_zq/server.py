# epoll 版回显服务器
import select
import socket
import sys
import time


class EpollEcho:
    def __init__(self, port):
        self.lfd = socket.socket()
        self.lfd.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.lfd.bind(('', port))
        self.lfd.listen(128)
        self.lfd.setblocking(False)
        self.ep = select.epoll()
        self.ep.register(self.lfd.fileno(), select.EPOLLIN)
        self.clients = {}       # fd -> 套接字
        self.out = {}           # fd -> 还没发完的数据

    def on_accept(self):
        try:
            c, addr = self.lfd.accept()
        except OSError:
            return
        c.setblocking(False)
        fd = c.fileno()
        self.clients[fd] = c
        self.out[fd] = b''
        self.ep.register(fd, select.EPOLLIN | select.EPOLLRDHUP)
        print('新客户端', addr, 'fd =', fd)

    def on_close(self, fd):
        # 先从epoll里注销再关闭
        self.ep.unregister(fd)
        self.clients.pop(fd).close()
        del self.out[fd]
        print('关闭 fd =', fd)

    def update(self, fd):
        mask = select.EPOLLRDHUP
        if self.out[fd]:
            mask |= select.EPOLLOUT
        if len(self.out[fd]) < 100000:
            mask |= select.EPOLLIN
        self.ep.modify(fd, mask)

    def on_read(self, fd):
        data = self.clients[fd].recv(65536)
        if not data:
            self.on_close(fd)
            return
        print('收到', len(data), '字节 fd =', fd)
        self.out[fd] += data
        self.update(fd)         # 有数据要发了, 关注可写事件

    def on_write(self, fd):
        n = self.clients[fd].send(self.out[fd])
        print('发送', n, '字节 fd =', fd)
        self.out[fd] = self.out[fd][n:]
        self.update(fd)

    def loop(self):
        while True:
            time.sleep(0.01)        # 休息一下, 别让CPU跑满
            for fd, event in self.ep.poll():
                if fd == self.lfd.fileno():
                    self.on_accept()
                    continue
                # 对方关闭或者出错
                if event & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
                    self.on_close(fd)
                    continue
                try:
                    if event & select.EPOLLOUT:
                        self.on_write(fd)
                    elif event & select.EPOLLIN:
                        self.on_read(fd)
                except BlockingIOError:
                    pass
                except OSError as e:
                    print('出错', fd, e)
                    self.on_close(fd)


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit('用法: python3 server.py 端口')
    EpollEcho(int(sys.argv[1])).loop()
