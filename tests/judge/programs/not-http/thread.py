# Bug: the file is sent without a status line and headers, a thread per client.
import socket
import threading


def work(client):
    request = client.recv(4096).decode("utf-8")
    if request:
        with open("static/index.html", "rb") as file:
            client.sendall(b"\n" + file.read())
    client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=work, args=(client,)).start()
