# 多人计算器 用select写的
import socket
import select


class Calculator:
    def __init__(self, port):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(('127.0.0.1', port))
        self.sock.listen(128)
        self.buffers = {}

    def compute(self, text):
        parts = text.split()
        if len(parts) != 3:
            return None
        try:
            a = float(parts[0])
            b = float(parts[2])
            if parts[1] == '+':
                return a + b
            if parts[1] == '-':
                return a - b
            if parts[1] == '*':
                return a * b
            if parts[1] == '/':
                return a / b
        except (ValueError, ZeroDivisionError):
            return None
        return None

    def leave(self, conn):
        del self.buffers[conn]
        conn.close()

    def read(self, conn):
        try:
            data = conn.recv(1024)
        except ConnectionError:
            self.leave(conn)
            return
        if not data:
            self.leave(conn)
            return
        self.buffers[conn] += data
        while b'\n' in self.buffers[conn]:
            line, self.buffers[conn] = self.buffers[conn].split(b'\n', 1)
            result = self.compute(line.decode('utf-8', 'replace'))
            try:
                if result is None:
                    conn.sendall('算式错误,请输入: 数 运算符 数\n')
                else:
                    conn.sendall(('%g\n' % result).encode('utf-8'))
            except ConnectionError:
                self.leave(conn)
                return

    def run(self):
        print('计算器启动')
        while True:
            r, w, e = select.select([self.sock] + list(self.buffers), [], [])
            for s in r:
                if s is self.sock:
                    conn, addr = s.accept()
                    print('连接', addr)
                    self.buffers[conn] = b''
                else:
                    self.read(s)


Calculator(21001).run()
