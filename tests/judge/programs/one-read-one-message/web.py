# Bug: two requests in one segment are answered once; a request in two segments twice.
import socket
import threading


def answer(status, text):
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def serve(client):
    with client:
        while True:
            try:
                request = client.recv(4096).decode("utf-8", "replace")
                if not request:
                    break
                words = request.split()
                if len(words) > 1 and words[1] == "/":
                    client.sendall(answer("200 OK", "<h1>首页</h1>"))
                else:
                    client.sendall(answer("404 Not Found", "<h1>没有这个页面</h1>"))
            except OSError:
                break


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
