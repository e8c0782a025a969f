# Bug: after close, the selector no longer knows fileno().
import selectors
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
selector = selectors.DefaultSelector()


def accept(sock):
    client, addr = sock.accept()
    selector.register(client, selectors.EVENT_READ, read)


def read(client):
    try:
        data = client.recv(1024)
        if data:
            client.sendall("你好".encode("gbk"))
            return
    except OSError:
        pass
    client.close()
    selector.unregister(client.fileno())


selector.register(server, selectors.EVENT_READ, accept)
while True:
    for key, mask in selector.select():
        key.data(key.fileobj)
