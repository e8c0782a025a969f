import selectors
import socket
import time


def answer(client):
    data = client.recv(1024)
    if data:
        time.sleep(0.2)
        client.send(data)
    else:
        selector.unregister(client)
        client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
server.listen(128)
print(server.getsockname()[1])

selector = selectors.DefaultSelector()
selector.register(server, selectors.EVENT_READ)
while True:
    for key, events in selector.select():
        if key.fileobj is server:
            client, address = server.accept()
            selector.register(client, selectors.EVENT_READ)
        else:
            answer(key.fileobj)
