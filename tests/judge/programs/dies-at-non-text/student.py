# Bug: decode raises UnicodeDecodeError at bytes that are no text, and the program ends.
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    data = client.recv(1024)
    if data:
        print("收到：", data.decode("utf-8"))
        client.sendall("欢迎光临".encode("utf-8"))
    client.close()
