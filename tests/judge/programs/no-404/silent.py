# Bug: KeyError ends the thread, and the client gets nothing.
import socket
import threading


PAGES = {"/": "<h1>首页</h1>", "/time": "<h1>时间</h1>"}


def answer(status, text):
    body = text.encode()
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
        path = receive(client)
        client.sendall(answer("200 OK", PAGES[path]))


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
