# Bug: one accept, so the program ends with its first client.
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
client, addr = server.accept()
print("客户端的地址:", addr)
data = client.recv(1024)
print(data.decode("gbk", "replace"))
client.sendall("好的，已收到".encode("gbk"))
client.close()
server.close()
