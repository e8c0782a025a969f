import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
server.bind(("127.0.0.1", 0))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(1000):
    client.sendto(bytes(1000), server.getsockname())
server.setblocking(False)
received = 0
try:
    while server.recv(1024):
        received += 1
except BlockingIOError:
    print(received, "of 1000 received")
