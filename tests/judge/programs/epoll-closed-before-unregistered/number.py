# Bug: the number of a closed socket is no longer valid.
import select
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
epoll = select.epoll()
epoll.register(server.fileno(), select.EPOLLIN)
clients = {}
while True:
    for fd, event in epoll.poll():
        if fd == server.fileno():
            client, addr = server.accept()
            clients[client.fileno()] = client
            epoll.register(client.fileno(), select.EPOLLIN)
            continue
        client = clients[fd]
        try:
            data = client.recv(1024)
            client.sendall(data)
        except OSError:
            data = b""
        if not data:
            del clients[fd]
            client.close()
            epoll.unregister(fd)
