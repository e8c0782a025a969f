# Bug: ConnectionResetError from recv ends the program with all of its clients.
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
        data = sock.recv(4096)
        if data:
            sock.sendall(data)
        else:
            sockets.remove(sock)
            sock.close()
