import select
import socket
import sys

# epoll 版大写转换服务器 (只转换 ASCII 字母, 其它字节原样返回)


class Client:
    def __init__(self, sock, addr):
        self.sock = sock
        self.addr = addr
        self.out = bytearray()
        self.eof = False


class EpollServer(object):
    HIGH = 256 * 1024

    def __init__(self, port):
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("0.0.0.0", port))
        self.listener.listen(128)
        self.listener.setblocking(False)
        self.epoll = select.epoll()
        self.epoll.register(self.listener.fileno(), select.EPOLLIN)
        self.clients = {}

    def on_accept(self):
        try:
            sock, addr = self.listener.accept()
        except OSError as e:
            print("accept 失败", e, flush=True)
            return
        sock.setblocking(False)
        self.clients[sock.fileno()] = Client(sock, addr)
        self.epoll.register(sock.fileno(), select.EPOLLIN)
        print("连接", addr, "当前", len(self.clients), flush=True)

    def drop(self, fd):
        client = self.clients.pop(fd)
        client.sock.close()
        self.epoll.unregister(fd)
        print("断开", client.addr, "当前", len(self.clients), flush=True)

    def on_read(self, client):
        try:
            data = client.sock.recv(4096)
        except BlockingIOError:
            return
        if data:
            client.out += data.upper()
        else:
            client.eof = True

    def on_write(self, client):
        if client.out:
            try:
                n = client.sock.send(client.out)
            except BlockingIOError:
                return
            del client.out[:n]

    def on_event(self, fd, event):
        client = self.clients[fd]
        try:
            if event & (select.EPOLLHUP | select.EPOLLERR):
                self.drop(fd)
                return
            if event & select.EPOLLIN:
                self.on_read(client)
            self.on_write(client)
        except ConnectionError as e:
            print("出错", client.addr, e, flush=True)
            self.drop(fd)
            return
        if client.eof and not client.out:
            self.drop(fd)
            return
        mask = 0
        if not client.eof and len(client.out) < self.HIGH:
            mask |= select.EPOLLIN
        if client.out:
            mask |= select.EPOLLOUT
        self.epoll.modify(fd, mask)

    def loop(self):
        while True:
            for fd, event in self.epoll.poll():
                if fd == self.listener.fileno():
                    self.on_accept()
                elif fd in self.clients:
                    self.on_event(fd, event)


if __name__ == "__main__":
    EpollServer(int(sys.argv[1])).loop()
