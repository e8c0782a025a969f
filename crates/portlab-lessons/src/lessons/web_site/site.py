import os
import socket
import sys
from urllib.parse import unquote

FOLDER = os.path.realpath("static")


def path_of(data):
    words = data.decode(errors="replace").split(" ")
    if len(words) < 2:
        return None
    path = words[1].split("?")[0]
    return "/index.html" if path == "/" else path


def name_of(path):
    name = os.path.realpath(FOLDER + unquote(path))
    if os.path.commonpath([FOLDER, name]) != FOLDER:
        raise PermissionError(name)
    return name


def serve(client):
    path = path_of(client.recv(4096))
    if path is None:
        return
    try:
        with open(name_of(path), "rb") as file:
            status, body = "200 OK", file.read()
    except (OSError, ValueError):
        with open(FOLDER + "/error.html", "rb") as file:
            status, body = "404 Not Found", file.read()
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen(128)
print(f"http://127.0.0.1:{server.getsockname()[1]}/")
while True:
    client, address = server.accept()
    try:
        serve(client)
    except OSError:
        print("a client hung up too early")
    client.close()
