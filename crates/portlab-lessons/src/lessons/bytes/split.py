import socket
import sys

port, size, encoding = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
client = socket.create_connection(("127.0.0.1", port))
data = client.recv(size)
print(data.decode(encoding))
