# Bug: send() gets text, so each client's thread ends with an error.
import socket
import threading


def work(client):
    data = client.recv(1024)
    client.send("你好，" + data.decode("utf-8"))
    client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=work, args=(client,)).start()
