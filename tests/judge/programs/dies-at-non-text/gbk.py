# Bug: UnicodeDecodeError ends the thread of a client whose bytes are no GBK. A reset ends the thread, too.
import socket
import threading


def serve(client):
    with client:
        while data := client.recv(1024):
            client.sendall("你说：".encode("gbk") + data.decode("gbk").encode("gbk"))


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
