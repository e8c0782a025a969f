# Bug: a misspelt name ends the server after its first answer.
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    data = client.recv(1024)
    client.send("收到".encode("gbk"))
    clent.close()
