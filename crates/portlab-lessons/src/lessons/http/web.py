import socket
import sys

folder = sys.argv[1]
page = "<h1>你好，浏览器！</h1>\n".encode()
server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
server.listen(128)
print(server.getsockname()[1])
while True:
    client, address = server.accept()
    request = client.recv(4096).decode()
    path = request.split(" ")[1]
    status, body = "200 OK", page
    if path != "/":
        try:
            with open(folder + path, "rb") as file:
                body = file.read()
        except OSError:
            status, body = "404 Not Found", b"no such page\n"
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)
    client.close()
