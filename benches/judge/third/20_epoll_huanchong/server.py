# epoll回显, 带发送缓冲
import select
import socket


class Client:
    def __init__(self, sock):
        self.sock = sock
        self.out = bytearray()
        self.eof = False


class EpollServer:
    def __init__(self, addr):
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(addr)
        self.server.listen(128)
        self.server.setblocking(False)
        self.epoll = select.epoll()
        self.epoll.register(self.server.fileno(), select.EPOLLIN)
        self.clients = {}

    def close(self, fd):
        self.epoll.unregister(fd)
        self.clients.pop(fd).sock.close()

    def update(self, fd):
        c = self.clients[fd]
        if c.eof and not c.out:
            self.close(fd)
            return
        flags = 0
        if not c.eof:
            flags |= select.EPOLLIN
        if c.out:
            flags |= select.EPOLLOUT
        self.epoll.modify(fd, flags)

    def accept(self):
        try:
            sock, addr = self.server.accept()
        except OSError:
            return
        sock.setblocking(False)
        self.clients[sock.fileno()] = Client(sock)
        self.epoll.register(sock.fileno(), select.EPOLLIN)

    def handle(self, fd, event):
        c = self.clients[fd]
        try:
            if event & select.EPOLLIN and not c.eof:
                data = c.sock.recv(65536)
                if data:
                    c.out += data
                else:
                    c.eof = True
            elif event & (select.EPOLLERR | select.EPOLLHUP):
                self.close(fd)
                return
            if c.out:
                n = c.sock.send(c.out)
                del c.out[:n]
        except BlockingIOError:
            pass
        except OSError:
            self.close(fd)
            return
        self.update(fd)

    def run(self):
        while True:
            for fd, event in self.epoll.poll():
                if fd == self.server.fileno():
                    self.accept()
                elif fd in self.clients:
                    self.handle(fd, event)


if __name__ == '__main__':
    EpollServer(('0.0.0.0', 21020)).run()
