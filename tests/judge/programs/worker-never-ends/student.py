# Bug: after the client's end the thread waits for more, for ever.
import socket
import threading
import time


def serve(client):
    while True:
        try:
            data = client.recv(1024)
        except OSError:
            data = b""
        if data:
            client.sendall(data)
        else:
            time.sleep(1)


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
