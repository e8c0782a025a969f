# Bug: `client` is one global variable, so an answer goes to the newest client.
import socket
import threading

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
def serve():
    while True:
        try:
            data = client.recv(1024)
            if not data:
                break
            client.sendall(data)
        except OSError:
            break


while True:
    client, addr = server.accept()
    threading.Thread(target=serve, daemon=True).start()
