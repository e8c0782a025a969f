# Bug: neither Content-Length nor close, so a client can't know where the page ends.
import socket
import threading


def receive(client):
    request = b""
    while b"\r\n\r\n" not in request:
        data = client.recv(4096)
        if not data:
            raise ConnectionError("请求不完整")
        request += data
    return request.decode("utf-8", "replace").split()[1]


def serve(client):
    try:
        while True:
            path = receive(client)
            if path == "/":
                response = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<h1>首页</h1>"
            else:
                response = "HTTP/1.1 404 Not Found\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<h1>没有</h1>"
            client.sendall(response.encode())
    except (OSError, IndexError):
        client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
