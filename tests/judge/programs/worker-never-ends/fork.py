# Bug: the child of each client stays after the client has left.
import os
import socket
import time

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    if os.fork() == 0:
        server.close()
        try:
            data = client.recv(1024)
            if data:
                client.sendall("再见".encode("gbk"))
        except OSError:
            pass
        client.close()
        while True:
            time.sleep(60)
    client.close()
