import socket
import sys

folder = sys.argv[1]
page = "<h1>你好，浏览器！</h1>\n".encode()


def path_of(request):
    words = request.split(" ")
    if len(words) < 2:
        return None
    return words[1]


def serve(client):
    path = path_of(client.recv(4096).decode(errors="replace"))
    if path is None:
        return
    status, body = "200 OK", page
    if path != "/":
        try:
            with open(folder + path, "rb") as file:
                body = file.read()
        except (OSError, ValueError):
            status, body = "404 Not Found", b"no such page\n"
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
server.listen(128)
print(server.getsockname()[1])
while True:
    client, address = server.accept()
    try:
        serve(client)
    except OSError:
        print("a client hung up too early")
    client.close()
