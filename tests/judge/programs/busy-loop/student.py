# Bug: the loop asks again and again although nothing has come.
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
server.setblocking(False)
clients = []
while True:
    try:
        client, addr = server.accept()
        client.setblocking(False)
        clients.append(client)
    except BlockingIOError:
        pass
    for client in clients[:]:
        try:
            data = client.recv(1024)
            if data:
                client.send("收到了".encode("gbk"))
        except BlockingIOError:
            continue
        except OSError:
            data = b""
        if not data:
            clients.remove(client)
            client.close()
