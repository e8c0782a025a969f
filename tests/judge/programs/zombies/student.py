# Bug: no wait, so each child stays as a zombie.
import os
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    if os.fork() == 0:
        server.close()
        try:
            while True:
                data = client.recv(1024)
                if not data:
                    break
                client.sendall(data)
        except OSError:
            pass
        os._exit(0)
    client.close()
