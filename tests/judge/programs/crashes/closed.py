# Bug: the listening socket is closed in the loop.
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    while True:
        data = client.recv(1024)
        if not data:
            break
        client.sendall(data)
    client.close()
    server.close()
