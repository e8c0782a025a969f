# Bug: FileNotFoundError from open ends the program.
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
def receive(client):
    request = b""
    while b"\r\n\r\n" not in request:
        data = client.recv(4096)
        if not data:
            return ""
        request += data
    return request.decode("utf-8", "replace")


while True:
    client, addr = server.accept()
    try:
        request = receive(client)
    except OSError:
        request = ""
    if request:
        path = request.split(" ")[1]
        if path == "/":
            path = "/index.html"
        file = open("static" + path, "rb")
        body = file.read()
        file.close()
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
    client.close()
