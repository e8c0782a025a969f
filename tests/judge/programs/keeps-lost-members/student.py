# Bug: a member who has left stays in the list, and send() to its socket ends the sender's thread.
import socket
import threading

clients = []


def work(client):
    while True:
        data = client.recv(1024)
        if not data:
            break
        for other in clients:
            if other is not client:
                other.send(data)
    client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    clients.append(client)
    threading.Thread(target=work, args=(client,), daemon=True).start()
