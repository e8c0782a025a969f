import select
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
server.listen(128)
print(server.getsockname()[1])
clients = []
while True:
    for ready in select.select([server, *clients], [], [])[0]:
        if ready is server:
            clients.append(server.accept()[0])
            print("joined")
            continue
        sender = ready
        line = sender.recv(4096)
        if not line:
            clients.remove(sender)
        for client in clients:
            if client is not sender:
                client.sendall(line)
