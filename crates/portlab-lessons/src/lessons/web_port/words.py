import socket
import sys

print(sys.argv)
print(sys.argv[1] * 2)
server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", sys.argv[1]))
