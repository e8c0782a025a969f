import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
print(server.getsockname()[1])
while True:
    data, address = server.recvfrom(1024)
    server.sendto(data.upper(), address)
