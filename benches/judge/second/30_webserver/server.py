# 静态Web服务器 (多线程, 长连接), 端口 22030
import os
import socket
import threading
import time
from email.utils import formatdate
from urllib.parse import unquote

HTDOCS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "htdocs")
MAX_HEAD = 32768
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
         "js": "text/javascript; charset=utf-8", "txt": "text/plain; charset=utf-8",
         "png": "image/png", "jpg": "image/jpeg", "ico": "image/x-icon"}


class BadRequest(Exception):
    pass


class Request:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or not words[1].startswith("/") or not words[2].startswith("HTTP/1."):
            raise BadRequest
        self.method, self.target, self.version = words
        self.headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise BadRequest
            self.headers[name.strip().lower()] = value.strip()
        if "transfer-encoding" in self.headers:
            raise BadRequest
        length = self.headers.get("content-length", "0")
        if not length.isdigit():
            raise BadRequest
        self.length = int(length)
        connection = self.headers.get("connection", "").lower()
        if self.version == "HTTP/1.0":
            self.keep = connection == "keep-alive"
        else:
            self.keep = connection != "close"


class Worker(threading.Thread):
    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock = sock
        self.buf = b""

    def more(self):
        data = self.sock.recv(8192)
        self.buf += data
        return bool(data)

    def run(self):
        try:
            # 长连接空闲 60 秒就关闭
            self.sock.settimeout(60)
            while self.one_request():
                pass
            # 先关发送方向, 再把对方剩下的数据读掉, 免得响应被 RST 冲掉
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(1)
            for _ in range(100):
                if not self.sock.recv(65536):
                    break
        except OSError:
            pass
        finally:
            self.sock.close()

    def one_request(self):
        while b"\r\n\r\n" not in self.buf:
            if len(self.buf) > MAX_HEAD:
                self.respond("431 Request Header Fields Too Large", "txt", b"431\n")
                return False
            if not self.more():
                return False
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        try:
            request = Request(head)
        except BadRequest:
            self.respond("400 Bad Request", "txt", b"400\n")
            return False
        if request.length > 10000000:
            self.respond("413 Content Too Large", "txt", b"413\n")
            return False
        while len(self.buf) < request.length:
            if not self.more():
                return False
        self.buf = self.buf[request.length:]
        if request.method not in ("GET", "HEAD"):
            self.respond("405 Method Not Allowed", "txt", b"405\n", request.keep, extra="Allow: GET, HEAD\r\n")
            return request.keep
        status, kind, body = self.find(request.target)
        self.respond(status, kind, body, request.keep, request.method == "HEAD")
        return request.keep

    def find(self, target):
        path = unquote(target.split("?", 1)[0])
        if "\0" in path:
            return "400 Bad Request", "txt", b"400\n"
        if path.endswith("/"):
            path += "index.html"
        name = os.path.realpath(HTDOCS + path)
        if not name.startswith(HTDOCS + os.sep):
            return "403 Forbidden", "txt", b"403\n"
        try:
            with open(name, "rb") as f:
                return "200 OK", name.rpartition(".")[2], f.read()
        except PermissionError:
            return "403 Forbidden", "txt", b"403\n"
        except OSError:
            return "404 Not Found", "html", "<meta charset=utf-8><h1>404 没有找到</h1>\n".encode("utf-8")

    def respond(self, status, kind, body, keep=False, head_only=False, extra=""):
        head = ("HTTP/1.1 " + status + "\r\n"
                "Date: " + formatdate(usegmt=True) + "\r\n"
                "Content-Type: " + TYPES.get(kind, "application/octet-stream") + "\r\n"
                "Content-Length: " + str(len(body)) + "\r\n" + extra +
                "Connection: " + ("keep-alive" if keep else "close") + "\r\n\r\n").encode("ascii")
        self.sock.sendall(head if head_only else head + body)


if __name__ == "__main__":
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", 22030))
    listener.listen(128)
    print("http://127.0.0.1:22030/", flush=True)
    while True:
        try:
            sock, addr = listener.accept()
        except OSError as e:
            print(e, flush=True)
            time.sleep(0.1)
            continue
        try:
            Worker(sock).start()
        except RuntimeError:
            sock.close()
