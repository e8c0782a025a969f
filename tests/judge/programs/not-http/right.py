# Right: a status line and headers stand before the page.
import socket
import threading


def work(client):
    with client:
        try:
            request = b""
            while b"\r\n\r\n" not in request:
                data = client.recv(4096)
                if not data:
                    return
                request += data
            body = "<h1>你好</h1>".encode("utf-8")
            status = "200 OK" if request.split()[1] == b"/" else "404 Not Found"
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n"
            client.sendall(head.encode() + body)
        except (OSError, IndexError):
            pass


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=work, args=(client,), daemon=True).start()
