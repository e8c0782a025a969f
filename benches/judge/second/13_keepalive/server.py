# 我的 Web 服务器 (支持一个连接多个请求)
import os
import socket
import threading
import time
from urllib.parse import unquote

PORT = 22013
SITE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "site"))


class HttpConnection:
    def __init__(self, sock, addr):
        self.sock = sock
        self.addr = addr
        self.buf = b""

    def read_request(self):
        """读一个完整的请求头, 返回行的列表; 对方关闭返回 None"""
        while b"\r\n\r\n" not in self.buf:
            if len(self.buf) > 65536:
                return None
            data = self.sock.recv(4096)
            if not data:
                return None
            self.buf += data
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        # 跳过请求体
        length = 0
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "content-length" and value.strip().isdigit():
                length = int(value)
        while len(self.buf) < length:
            data = self.sock.recv(4096)
            if not data:
                return None
            self.buf += data
        self.buf = self.buf[length:]
        return lines

    def send(self, status, ctype, body, head_only):
        header = "HTTP/1.1 " + status + "\r\n"
        header += "Server: PythonWeb/2.0\r\n"
        header += "Date: " + time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()) + "\r\n"
        header += "Content-Type: " + ctype + "\r\n"
        header += "\r\n"
        if head_only:
            self.sock.sendall(header.encode("utf-8"))
        else:
            self.sock.sendall(header.encode("utf-8") + body)

    def serve(self):
        try:
            while True:
                lines = self.read_request()
                if lines is None:
                    break
                self.answer(lines[0])
        except OSError as e:
            print(self.addr, e, flush=True)
        finally:
            self.sock.close()

    def answer(self, first):
        words = first.split()
        if len(words) != 3 or words[0] not in ("GET", "HEAD"):
            self.send("400 Bad Request", "text/plain", b"400\n", False)
            return
        head_only = words[0] == "HEAD"
        path = unquote(words[1].split("?")[0]).replace("\0", "")
        if path == "/":
            path = "/index.html"
        name = os.path.realpath(SITE + "/" + path)
        body = None
        if name.startswith(SITE + "/"):
            try:
                with open(name, "rb") as f:
                    body = f.read()
            except OSError:
                pass
        if body is None:
            self.send("404 Not Found", "text/html; charset=utf-8",
                      "<h1>没有这个页面</h1>".encode("utf-8"), head_only)
        elif name.endswith(".html"):
            self.send("200 OK", "text/html; charset=utf-8", body, head_only)
        else:
            self.send("200 OK", "text/plain; charset=utf-8", body, head_only)


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("", PORT))
server.listen(128)
print("http://localhost:%d" % PORT, flush=True)
while True:
    try:
        client, address = server.accept()
    except OSError:
        time.sleep(0.1)
        continue
    try:
        threading.Thread(target=HttpConnection(client, address).serve, daemon=True).start()
    except RuntimeError:
        client.close()
