# Bug: data[0] raises IndexError when a client closes.
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
            data = sock.recv(1024)
            if data[0] != ord("q"):
                sock.sendall(data)
                continue
        except OSError:
            pass
        sockets.remove(sock)
        sock.close()
