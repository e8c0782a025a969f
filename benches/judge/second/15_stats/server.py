# 统计服务器: 客户端每行发一个数, 服务器回  个数 总和
# python3 server.py 端口
import select
import socket
import sys
import time

port = int(sys.argv[1])

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("", port))
server.listen(128)
server.setblocking(False)

epoll = select.epoll()
epoll.register(server.fileno(), select.EPOLLIN)
clients = {}


class Client:
    def __init__(self, sock, addr):
        self.sock = sock
        self.addr = addr
        self.rbuf = b""
        self.wbuf = b""
        self.lines = 0          # 收到多少行
        self.count = 0          # 其中多少行是数
        self.total = 0
        self.done = False
        self.start = time.time()

    def take(self, line):
        self.lines += 1
        try:
            value = int(line)
            if abs(value) > 10 ** 30:
                raise ValueError
        except ValueError:
            self.wbuf += b"ERROR not a number\n"
            return
        self.count += 1
        self.total += value
        self.wbuf += b"%d %d\n" % (self.count, self.total)

    def read(self):
        data = self.sock.recv(4096)
        if data:
            self.rbuf += data
            *lines, self.rbuf = self.rbuf.split(b"\n")
            for line in lines:
                self.take(line)
            if len(self.rbuf) > 10000:
                self.wbuf += b"ERROR line too long\n"
                self.done = True
        else:
            if self.rbuf:
                self.take(self.rbuf)
            self.done = True

    def write(self):
        n = self.sock.send(self.wbuf)
        self.wbuf = self.wbuf[n:]


def goodbye(fd):
    c = clients.pop(fd)
    epoll.unregister(fd)
    c.sock.close()
    seconds = time.time() - c.start
    print("%s 离开: %d 行, 平均每行 %.3f 秒" % (c.addr, c.lines, seconds / c.lines), flush=True)


print("统计服务器", port, flush=True)
while True:
    for fd, event in epoll.poll():
        if fd == server.fileno():
            try:
                sock, addr = server.accept()
            except OSError as e:
                print("accept", e, flush=True)
                continue
            sock.setblocking(False)
            clients[sock.fileno()] = Client(sock, addr)
            epoll.register(sock.fileno(), select.EPOLLIN)
            continue
        c = clients[fd]
        try:
            if event & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR) and not c.done:
                c.read()
            if c.wbuf:
                c.write()
        except BlockingIOError:
            pass
        except OSError as e:
            print(c.addr, e, flush=True)
            goodbye(fd)
            continue
        if c.done and not c.wbuf:
            goodbye(fd)
            continue
        want = 0
        if c.wbuf:
            want |= select.EPOLLOUT
        if not c.done and len(c.wbuf) < 100000:
            want |= select.EPOLLIN
        epoll.modify(fd, want)
