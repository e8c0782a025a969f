# Right: requests are read line by line, however many come in one segment.
import socket
import threading


def answer(status, text):
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def serve(client):
    try:
        with client, client.makefile("rb") as lines:
            while request := lines.readline():
                length = 0
                while header := lines.readline().strip():
                    name, _, value = header.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                lines.read(length)
                if request.split()[1:2] == [b"/"]:
                    client.sendall(answer("200 OK", "<h1>首页</h1>"))
                else:
                    client.sendall(answer("404 Not Found", "<h1>没有这个页面</h1>"))
    except (OSError, ValueError):
        pass


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
