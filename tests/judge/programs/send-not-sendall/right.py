# Right: what send didn't take waits until the socket can be written.
import selectors
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
server.setblocking(False)
waiting = {}
with selectors.DefaultSelector() as selector:
    selector.register(server, selectors.EVENT_READ)
    while True:
        for key, events in selector.select():
            sock = key.fileobj
            if sock is server:
                client, addr = server.accept()
                client.setblocking(False)
                waiting[client] = b""
                selector.register(client, selectors.EVENT_READ)
                continue
            try:
                if events & selectors.EVENT_READ:
                    waiting[sock] = sock.recv(65536)
                    if not waiting[sock]:
                        raise ConnectionError("下线")
                    selector.modify(sock, selectors.EVENT_WRITE)
                else:
                    waiting[sock] = waiting[sock][sock.send(waiting[sock]) :]
                    if not waiting[sock]:
                        selector.modify(sock, selectors.EVENT_READ)
            except BlockingIOError:
                pass
            except OSError:
                selector.unregister(sock)
                del waiting[sock]
                sock.close()
