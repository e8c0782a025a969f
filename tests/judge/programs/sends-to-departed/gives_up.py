import socket, threading
clients = []
def serve(c):
    while True:
        data = c.recv(1024)
        if not data:
            break
        for x in clients:
            if x is not c:
                try:
                    x.sendall(data)
                except OSError:
                    return
    c.close()
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8080))
s.listen(50)
while True:
    c, a = s.accept()
    clients.append(c)
    threading.Thread(target=serve, args=(c,), daemon=True).start()
