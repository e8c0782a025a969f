# Bug: the list keeps every socket, and the program never closes one.
import socket
import threading


clients = []


def serve(client):
    clients.append(client)
    try:
        while True:
            data = client.recv(1024)
            if not data:
                break
            client.sendall(data)
    except OSError:
        pass


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
