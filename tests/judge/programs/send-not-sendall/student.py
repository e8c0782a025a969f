# Bug: with a timeout, send sends a part of a large page and returns.
import socket
import threading


PAGE = ("<h1>你好</h1>" + "<p>一行很长的文字</p>" * 300000).encode()


def serve(client):
    with client:
        client.settimeout(5)
        try:
            request = b""
            while b"\r\n\r\n" not in request:
                data = client.recv(4096)
                if not data:
                    return
                request += data
            if request.split()[1] == b"/":
                status, body = "200 OK", PAGE
            else:
                status, body = "404 Not Found", "没有这个页面".encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
            client.send(head.encode() + body)
        except (OSError, IndexError):
            pass


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
