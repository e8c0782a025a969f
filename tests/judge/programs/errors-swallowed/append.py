# Bug: append raises TypeError, `pass` hides it, and no client is ever read.
import socket
import time

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
server.setblocking(False)
clients = []
while True:
    time.sleep(0.01)
    try:
        client, addr = server.accept()
        client.setblocking(False)
        clients.append(client, addr)
    except:
        pass
    for client, addr in clients[:]:
        try:
            data = client.recv(1024)
            client.send("收到".encode("gbk"))
        except:
            continue
        if not data:
            clients.remove((client, addr))
            client.close()
