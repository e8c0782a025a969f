import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen(128)
print(f"http://127.0.0.1:{server.getsockname()[1]}/")
while True:
    client, address = server.accept()
    request = client.recv(4096).decode()
    path = request.split(" ")[1]
    if path == "/":
        path = "/index.html"
    try:
        with open("static" + path, "rb") as file:
            status, body = "200 OK", file.read()
    except OSError:
        with open("static/error.html", "rb") as file:
            status, body = "404 Not Found", file.read()
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)
    client.close()
