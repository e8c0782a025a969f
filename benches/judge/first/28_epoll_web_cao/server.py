# epoll版静态web服务器   曹阳
import os
import re
import select
import socket
import sys

GEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'static')


class WSGIServer(object):
    """单进程单线程, 用epoll同时为多个浏览器服务"""

    def __init__(self, port):
        self.tcp_server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp_server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp_server_socket.bind(("", port))
        self.tcp_server_socket.listen(128)
        self.tcp_server_socket.setblocking(False)
        self.epl = select.epoll()
        self.epl.register(self.tcp_server_socket.fileno(), select.EPOLLIN)
        self.fd_event_dict = dict()     # fd -> [套接字, 收到的, 要发的]

    def service_client(self, request):
        request_line = request.split(b"\r\n")[0].decode("utf-8", "replace")
        ret = re.match(r"(GET|HEAD) (/[^ ?]*)(\?[^ ]*)? HTTP/1\.[01]$", request_line)
        if not ret:
            return self.response("400 Bad Request", "<h1>400 请求有错误</h1>".encode("utf-8"))
        file_name = ret.group(2)
        if file_name == "/":
            file_name = "/index.html"
        path = os.path.realpath(GEN + file_name)
        if not path.startswith(GEN + "/") or not os.path.isfile(path):
            return self.response("404 Not Found", "<h1>404 file not found</h1>".encode("utf-8"))
        with open(path, "rb") as f:
            content = f.read()
        return self.response("200 OK", content, path, ret.group(1))

    @staticmethod
    def response(status, body, path="", method="GET"):
        if path.endswith(".css"):
            kind = "text/css; charset=utf-8"
        elif path.endswith(".txt"):
            kind = "text/plain; charset=utf-8"
        else:
            kind = "text/html; charset=utf-8"
        header = "HTTP/1.1 %s\r\n" % status
        header += "Content-Type:%s\r\n" % kind
        header += "Content-Length:%d\r\n" % len(body)
        header += "Connection:close\r\n"
        header += "\r\n"
        return header.encode("utf-8") + (body if method == "GET" else b"")

    def close_client(self, fd):
        self.fd_event_dict[fd][0].close()
        self.epl.unregister(fd)
        del self.fd_event_dict[fd]

    def run_forever(self):
        while True:
            fd_event_list = self.epl.poll()
            for fd, event in fd_event_list:
                if fd == self.tcp_server_socket.fileno():
                    try:
                        new_socket, client_addr = self.tcp_server_socket.accept()
                    except OSError:
                        continue
                    new_socket.setblocking(False)
                    self.epl.register(new_socket.fileno(), select.EPOLLIN)
                    self.fd_event_dict[new_socket.fileno()] = [new_socket, b"", b""]
                    continue

                client = self.fd_event_dict[fd]
                done = False
                try:
                    if event & select.EPOLLOUT:
                        n = client[0].send(client[2])
                        client[2] = client[2][n:]
                        done = not client[2]
                    else:
                        recv_data = client[0].recv(4096)
                        client[1] += recv_data
                        if b"\r\n\r\n" in client[1]:
                            client[2] = self.service_client(client[1])
                            self.epl.modify(fd, select.EPOLLOUT)
                        elif not recv_data or len(client[1]) > 100000:
                            done = True
                except BlockingIOError:
                    pass
                except ConnectionError as e:
                    print("客户端异常:", e)
                    done = True
                if done:
                    self.close_client(fd)


def main():
    WSGIServer(int(sys.argv[1])).run_forever()


if __name__ == '__main__':
    main()
