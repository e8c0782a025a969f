import socket
import sys

client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.settimeout(0.5)
client.sendall("你好".encode("gbk"))
print(client.recv(1024).decode("gbk"))
