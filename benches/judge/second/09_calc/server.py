"""
网络计算器: 每行一个算式  例如   3 + 4
返回一行结果, 算式不对返回 "错误: ..."
用法: python3 server.py 端口
"""
import selectors
import socket
import sys
from fractions import Fraction

sel = selectors.DefaultSelector()
MAX_LINE = 8192


def to_text(x):
    if x.denominator == 1:
        return str(x.numerator)
    return repr(float(x))


def calculate(text):
    parts = text.split()
    if len(parts) != 3:
        return "错误: 格式应为  数 运算符 数"
    a, op, b = parts
    if len(a) > 50 or len(b) > 50:
        return "错误: 数字太长"
    try:
        if "e" in (a + b).lower():
            raise ValueError
        a = Fraction(a)
        b = Fraction(b)
    except (ValueError, ZeroDivisionError):
        return "错误: 不是数字"
    if op == "+":
        return to_text(a + b)
    if op == "-":
        return to_text(a - b)
    if op == "*":
        return to_text(a * b)
    if op == "/":
        if b == 0:
            return "错误: 除数为零"
        return to_text(a / b)
    return "错误: 不认识的运算符"


class Session:
    def __init__(self, sock):
        self.sock = sock
        self.inbuf = b""
        self.outbuf = b""
        self.closing = False

    def close(self):
        sel.unregister(self.sock)
        self.sock.close()

    def feed(self, data):
        self.inbuf += data
        while True:
            line, sep, rest = self.inbuf.partition(b"\n")
            if not sep:
                break
            self.inbuf = rest
            self.one_line(line)
        if len(self.inbuf) > MAX_LINE:
            self.outbuf += "错误: 一行太长\n".encode("utf-8")
            self.closing = True

    def one_line(self, line):
        # 一整行才解码, 所以汉字不会被切断
        text = line.decode("utf-8").strip()
        if text:
            self.outbuf += (calculate(text) + "\n").encode("utf-8")

    def event(self, mask):
        try:
            if mask & selectors.EVENT_READ and not self.closing:
                data = self.sock.recv(4096)
                if data:
                    self.feed(data)
                else:
                    if self.inbuf:
                        self.one_line(self.inbuf)
                        self.inbuf = b""
                    self.closing = True
            if self.outbuf:
                sent = self.sock.send(self.outbuf)
                self.outbuf = self.outbuf[sent:]
        except BlockingIOError:
            pass
        except OSError as e:
            print("连接异常:", e, flush=True)
            self.close()
            return
        if self.closing and not self.outbuf:
            self.close()
            return
        want = 0
        if not self.closing and len(self.outbuf) < 65536:
            want |= selectors.EVENT_READ
        if self.outbuf:
            want |= selectors.EVENT_WRITE
        sel.modify(self.sock, want, self.event)


def on_accept(server):
    try:
        sock, addr = server.accept()
    except OSError as e:
        print("accept:", e, flush=True)
        return
    sock.setblocking(False)
    session = Session(sock)
    sel.register(sock, selectors.EVENT_READ, session.event)


def main():
    port = int(sys.argv[1])
    server = socket.create_server(("", port), backlog=128)
    server.setblocking(False)
    sel.register(server, selectors.EVENT_READ, lambda mask: on_accept(server))
    print("计算器已启动", port, flush=True)
    while True:
        for key, mask in sel.select():
            key.data(mask)


if __name__ == "__main__":
    main()
