# Bug: select with the timeout 0 returns at once.
import select
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
sockets = [server]
while True:
    ready, _, _ = select.select(sockets, [], [], 0)
    for sock in ready:
        if sock is server:
            client, addr = server.accept()
            sockets.append(client)
            continue
        try:
            data = sock.recv(4096)
            sock.sendall(data)
        except OSError:
            data = b""
        if not data:
            sockets.remove(sock)
            sock.close()
