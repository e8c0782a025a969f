# Right: a member who leaves is removed, and an error of one member doesn't stop the loop.
import socket
import threading

clients = []
lock = threading.Lock()


def work(client):
    try:
        while data := client.recv(1024):
            with lock:
                others = [other for other in clients if other is not client]
            for other in others:
                try:
                    other.sendall(data)
                except OSError:
                    pass
    except OSError:
        pass
    with lock:
        clients.remove(client)
    client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    with lock:
        clients.append(client)
    threading.Thread(target=work, args=(client,), daemon=True).start()
