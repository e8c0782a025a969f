import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
server.listen(128)
print(server.getsockname()[1])

while True:
    client, address = server.accept()
    while True:
        data = client.recv(1024)
        if not data:
            break
        client.send(data)
    client.close()
