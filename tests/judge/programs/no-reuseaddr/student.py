# Bug: no SO_REUSEADDR.
import socket
import threading


def serve(client):
    data = client.recv(1024)
    if data:
        client.sendall("你好，我是服务端".encode("gbk"))
    client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
