import select
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
server.listen(128)
print(server.getsockname()[1])

poller = select.poll()
poller.register(server, select.POLLIN)
clients = {}
while True:
    for number, events in poller.poll():
        if number == server.fileno():
            client, address = server.accept()
            poller.register(client, select.POLLIN)
            clients[client.fileno()] = client
            continue
        data = clients[number].recv(1024)
        if data:
            clients[number].send(data)
        else:
            poller.unregister(number)
            clients.pop(number).close()
