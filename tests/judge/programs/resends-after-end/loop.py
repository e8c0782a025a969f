# Bug: a socket at its end stays in the list, so select returns at once, for ever.
import select
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
sockets = [server]
while True:
    ready, _, _ = select.select(sockets, [], [])
    for sock in ready:
        if sock is server:
            client, addr = server.accept()
            sockets.append(client)
            continue
        try:
            data = sock.recv(4096)
        except OSError:
            sockets.remove(sock)
            continue
        if data:
            sock.sendall("欢迎".encode("utf-8"))
