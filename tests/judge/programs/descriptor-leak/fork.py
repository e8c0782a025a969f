# Bug: the parent keeps its copy of each client's socket.
import os
import signal
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
clients = {}
while True:
    client, addr = server.accept()
    clients[addr] = client
    if os.fork() == 0:
        server.close()
        try:
            data = client.recv(1024)
            if data:
                client.sendall("你好，欢迎".encode("gbk"))
        except OSError:
            pass
        client.shutdown(socket.SHUT_RDWR)
        os._exit(0)
