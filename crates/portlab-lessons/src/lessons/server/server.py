import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen(128)
client, address = server.accept()
print(address)
data = client.recv(1024)
print(data.decode("gbk"))
client.send("收到！".encode("gbk"))
client.close()
server.close()
