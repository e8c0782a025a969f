# Bug: the page is sent without a status line and headers.
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    client.recv(4096)
    client.sendall("<h1>你好</h1>".encode("utf-8"))
    client.close()
