# 静态Web服务器 - 返回指定页面数据
import os
import socket
import time
from urllib.parse import unquote

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "static"))

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".jpg": "image/jpeg",
}


def recv_request(sock):
    # 请求头以空行结束, 一次 recv 不一定收得完
    data = b""
    while b"\r\n\r\n" not in data and len(data) < 65536:
        part = sock.recv(4096)
        if not part:
            break
        data += part
    return data


def make_response(status, content_type, body, head_only=False):
    # 响应行
    response_line = "HTTP/1.1 " + status + "\r\n"
    # 响应头, Content-Length 是字节数
    response_header = "Server: PWS1.0\r\n"
    response_header += "Content-Type: " + content_type + "\r\n"
    response_header += "Content-Length: " + str(len(body)) + "\r\n"
    response_header += "Connection: close\r\n"
    data = (response_line + response_header + "\r\n").encode("utf-8")
    if not head_only:
        data += body
    return data


def handle(request):
    request_line = request.splitlines()[0].decode("latin-1")
    print("请求:", request_line, flush=True)
    words = request_line.split(" ")
    if len(words) != 3 or b"\r\n\r\n" not in request:
        return make_response("400 Bad Request", TYPES[".txt"], b"400\n")
    method, path, version = words
    if method not in ("GET", "HEAD"):
        return make_response("501 Not Implemented", TYPES[".txt"], b"501\n")
    path = unquote(path.split("?")[0])
    if path == "/":
        path = "/index.html"
    full = os.path.realpath(ROOT + "/" + path.replace("\0", ""))
    # 不允许访问 static 以外的文件
    if not full.startswith(ROOT + os.sep):
        return make_response("403 Forbidden", TYPES[".txt"], b"403\n", method == "HEAD")
    try:
        with open(full, "rb") as file:
            file_data = file.read()
    except OSError:
        body = "<h1>404 页面不存在</h1>".encode("utf-8")
        return make_response("404 Not Found", TYPES[".html"], body, method == "HEAD")
    ext = os.path.splitext(full)[1]
    return make_response("200 OK", TYPES.get(ext, "application/octet-stream"),
                         file_data, method == "HEAD")


def main():
    tcp_server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # 端口复用
    tcp_server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    tcp_server_socket.bind(("", 22005))
    tcp_server_socket.listen(128)
    print("浏览器访问 http://127.0.0.1:22005", flush=True)
    while True:
        try:
            new_socket, ip_port = tcp_server_socket.accept()
        except OSError as e:
            print(e, flush=True)
            time.sleep(0.1)
            continue
        try:
            request = recv_request(new_socket)
            new_socket.sendall(handle(request))
        except OSError as e:
            print("客户端出错", ip_port, e, flush=True)
        finally:
            new_socket.close()


if __name__ == '__main__':
    main()
