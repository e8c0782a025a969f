# Bug: ".." is looked for before %2e%2e is decoded.
import socket
import threading
from urllib.parse import unquote


def answer(path):
    try:
        if ".." in path:
            raise ValueError("不允许")
        path = unquote(path)
        with open("static" + ("/index.html" if path == "/" else path), "rb") as file:
            return page("200 OK", file.read())
    except (OSError, ValueError):
        return page("404 Not Found", "<h1>没有这个页面</h1>".encode())


def page(status, body):
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def receive(client):
    request = b""
    while b"\r\n\r\n" not in request:
        data = client.recv(4096)
        if not data:
            raise ConnectionError("请求不完整")
        request += data
    return request.decode("utf-8", "replace").split()[1]


def serve(client):
    with client:
        try:
            path = receive(client)
            client.sendall(answer(path))
        except (OSError, IndexError):
            pass


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
