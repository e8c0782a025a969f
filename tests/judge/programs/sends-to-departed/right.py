import socket, threading
clients = []
def serve(c):
    while True:
        try:
            data = c.recv(1024)
        except OSError:
            break
        if not data:
            break
        for x in list(clients):
            if x != c:
                try:
                    x.sendall(data)
                except OSError:
                    pass
    clients.remove(c)
    c.close()
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8080))
s.listen(50)
while True:
    c, a = s.accept()
    clients.append(c)
    threading.Thread(target=serve, args=(c,), daemon=True).start()
