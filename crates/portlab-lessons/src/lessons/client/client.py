import socket
import sys

port = int(sys.argv[1])
client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect(("127.0.0.1", port))
client.send("你好，服务端！".encode("gbk"))
data = client.recv(1024)
print(data)
print(data.decode("gbk"))
client.close()
