# -*- coding: utf-8 -*-
"""静态Web服务器 -- 多线程版, 端口从命令行传入
用法: python3 server.py 8000
"""
import socket
import sys
import threading
import time


class HttpWebServer(object):
    def __init__(self, port):
        # 创建tcp服务端套接字
        self.tcp_server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # 设置端口号复用, 程序退出端口立即释放
        self.tcp_server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        self.tcp_server_socket.bind(("", port))
        self.tcp_server_socket.listen(128)

    @staticmethod
    def recv_request(new_socket):
        """一直收到空行为止"""
        data = b""
        while b"\r\n\r\n" not in data:
            part = new_socket.recv(4096)
            if not part or len(data) > 65536:
                return None
            data += part
        return data.decode("utf-8", "replace")

    @staticmethod
    def handle_client_request(new_socket):
        try:
            request = HttpWebServer.recv_request(new_socket)
            if request is None:
                print("客户端关闭了")
                return
            request_list = request.split("\r\n")[0].split(" ")
            if len(request_list) != 3:
                response = HttpWebServer.make_response("400 Bad Request", b"<h1>400</h1>")
                new_socket.sendall(response)
                return
            method, request_path, _ = request_list
            print(method, request_path)
            request_path = request_path.split("?")[0]
            # 判断请求的是否是根目录, 如果是就返回首页
            if request_path == "/":
                request_path = "/index.html"
            try:
                with open("static" + request_path, "rb") as file:
                    file_data = file.read()
            except (OSError, ValueError):
                # 没有找到该文件
                with open("static/error.html", "rb") as file:
                    file_data = file.read()
                response = HttpWebServer.make_response("404 Not Found", file_data, head=(method == "HEAD"))
            else:
                response = HttpWebServer.make_response("200 OK", file_data, request_path, head=(method == "HEAD"))
            new_socket.sendall(response)
        except OSError as e:
            print("连接出错:", e)
        finally:
            new_socket.close()

    @staticmethod
    def make_response(status, body, path="/x.html", head=False):
        types = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
                 "txt": "text/plain; charset=utf-8"}
        ctype = types.get(path.rsplit(".", 1)[-1], "application/octet-stream")
        line = "HTTP/1.1 %s\r\n" % status
        header = "Server: PWS/1.0\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n" % (ctype, len(body))
        return (line + header + "\r\n").encode("utf-8") + (b"" if head else body)

    def start(self):
        while True:
            try:
                new_socket, ip_port = self.tcp_server_socket.accept()
            except OSError as e:
                print("accept:", e)
                time.sleep(0.1)
                continue
            sub_thread = threading.Thread(target=self.handle_client_request, args=(new_socket,))
            # 设置成为守护主线程
            sub_thread.daemon = True
            sub_thread.start()


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        print("执行命令格式: python3 server.py 8000")
        return
    web_server = HttpWebServer(int(sys.argv[1]))
    web_server.start()


if __name__ == '__main__':
    main()
