# Bug: a non-blocking send takes a part of the bytes, and the rest is lost.
import selectors
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
server.setblocking(False)
with selectors.DefaultSelector() as selector:
    selector.register(server, selectors.EVENT_READ)
    while True:
        for key, events in selector.select():
            sock = key.fileobj
            if sock is server:
                client, addr = server.accept()
                client.setblocking(False)
                selector.register(client, selectors.EVENT_READ)
                continue
            try:
                data = sock.recv(65536)
                if not data:
                    raise ConnectionError("下线")
                sock.send(data)
            except BlockingIOError:
                pass
            except OSError:
                selector.unregister(sock)
                sock.close()
