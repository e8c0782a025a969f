# 静态Web服务器 - 面向对象 多线程
import os
import socket
import threading
import time
import traceback
from urllib.parse import unquote


class HttpWebServer(object):
    def __init__(self, port):
        # 网页所在的目录
        self.root = os.path.realpath(os.path.join(os.path.dirname(__file__), "static"))
        self.tcp_server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # 设置端口号复用
        self.tcp_server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        self.tcp_server_socket.bind(("", port))
        self.tcp_server_socket.listen(128)

    def content_type(self, name):
        if name.endswith(".html"):
            return "text/html; charset=utf-8"
        if name.endswith(".css"):
            return "text/css; charset=utf-8"
        if name.endswith(".txt"):
            return "text/plain; charset=utf-8"
        return "application/octet-stream"

    def recv_head(self, new_socket):
        data = b""
        while b"\r\n\r\n" not in data:
            part = new_socket.recv(4096)
            if not part or len(data) > 65536:
                return None
            data += part
        head, body = data.split(b"\r\n\r\n", 1)
        # POST 的数据也要收完
        for line in head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == b"content-length" and value.strip().isdigit():
                left = int(value) - len(body)
                while left > 0:
                    part = new_socket.recv(min(left, 4096))
                    if not part:
                        return None
                    left -= len(part)
        return head.decode("latin-1")

    def send(self, new_socket, status, ctype, body, head_only=False):
        response_head = "HTTP/1.1 %s\r\n" % status
        response_head += "Server: PWS/1.1\r\n"
        response_head += "Content-Type: %s\r\n" % ctype
        response_head += "Content-Length: %d\r\n" % len(body)
        response_head += "Connection: close\r\n\r\n"
        new_socket.sendall(response_head.encode("utf-8"))
        if not head_only:
            new_socket.sendall(body)

    def handle_browser_request(self, new_socket):
        try:
            head = self.recv_head(new_socket)
            if head is None:
                print("浏览器关闭了连接", flush=True)
                return
            words = head.split("\r\n")[0].split(" ")
            if len(words) != 3 or not words[1].startswith("/"):
                self.send(new_socket, "400 Bad Request", "text/plain", b"400\n")
                return
            if words[0] not in ("GET", "HEAD"):
                self.send(new_socket, "501 Not Implemented", "text/plain", b"501\n")
                return
            path = unquote(words[1].split("?", 1)[0])
            if path.endswith("/"):
                path += "index.html"
            name = os.path.realpath(self.root + path)
            if not name.startswith(self.root + "/"):
                self.send(new_socket, "403 Forbidden", "text/plain", b"403\n")
                return
            with open(name, "rb") as file:
                body = file.read()
            self.send(new_socket, "200 OK", self.content_type(name), body, words[0] == "HEAD")
        except Exception:
            traceback.print_exc()
        finally:
            new_socket.close()

    def start(self):
        while True:
            try:
                new_socket, ip_port = self.tcp_server_socket.accept()
            except OSError:
                time.sleep(0.1)
                continue
            sub_thread = threading.Thread(target=self.handle_browser_request, args=(new_socket,))
            sub_thread.daemon = True
            try:
                sub_thread.start()
            except RuntimeError:
                new_socket.close()


if __name__ == '__main__':
    web_server = HttpWebServer(22022)
    print("http://127.0.0.1:22022/", flush=True)
    web_server.start()
