# Bug: split()[1] raises IndexError when a client sends nothing.
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
PAGES = {"/": "<h1>首页</h1>", "/about": "<h1>关于</h1>"}


def receive(client):
    request = b""
    while b"\r\n\r\n" not in request:
        data = client.recv(4096)
        if not data:
            break
        request += data
    return request


def answer(status, text):
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


while True:
    client, addr = server.accept()
    request = receive(client)
    path = request.decode("utf-8", "replace").split()[1]
    if path in PAGES:
        client.sendall(answer("200 OK", PAGES[path]))
    else:
        client.sendall(answer("404 Not Found", "<h1>没有这个页面</h1>"))
    client.close()
