# 群聊服务器(select)
import select
import socket


class Member:
    def __init__(self, sock, addr):
        self.sock = sock
        self.addr = addr
        self.inbuf = bytearray()
        self.outbuf = bytearray()
        self.finished = False     # 对方不再发送了


class ChatServer:
    def __init__(self, port):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('127.0.0.1', port))
        self.listener.listen(128)
        self.listener.setblocking(False)
        self.members = {}

    def broadcast(self, who, line):
        msg = ('%s:%d 说: ' % who.addr).encode('utf-8') + line + b'\n'
        for m in self.members.values():
            if m is not who and not m.finished:
                m.outbuf += msg

    def remove(self, m):
        if m.sock in self.members:
            del self.members[m.sock]
        m.sock.close()

    def on_read(self, m):
        try:
            data = m.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            self.remove(m)
            return
        if not data:
            if m.inbuf:
                self.broadcast(m, bytes(m.inbuf))
                m.inbuf.clear()
            m.finished = True
            if not m.outbuf:
                self.remove(m)
            return
        m.inbuf += data
        if b'\n' not in data:
            return
        lines = bytes(m.inbuf).split(b'\n')
        m.inbuf = bytearray(lines.pop())
        for line in lines:
            self.broadcast(m, line.rstrip(b'\r'))

    def on_write(self, m):
        try:
            n = m.sock.send(m.outbuf)
        except BlockingIOError:
            return
        except OSError:
            self.remove(m)
            return
        del m.outbuf[:n]
        if m.finished and not m.outbuf:
            self.remove(m)

    def run(self):
        while True:
            rs = [self.listener] + [s for s, m in self.members.items() if not m.finished]
            ws = [s for s, m in self.members.items() if m.outbuf]
            r, w, _ = select.select(rs, ws, [])
            for s in r:
                if s is self.listener:
                    try:
                        conn, addr = s.accept()
                    except OSError:
                        continue
                    conn.setblocking(False)
                    self.members[conn] = Member(conn, addr)
                elif s in self.members:
                    self.on_read(self.members[s])
            for s in w:
                if s in self.members:
                    self.on_write(self.members[s])


if __name__ == '__main__':
    ChatServer(21010).run()
