import socket, threading
def serve(c):
    while True:
        try:
            data = c.recv(1024)
            if not data:
                break
            c.sendall(data)
        except OSError:
            break
    c.close()
def accept():
    while True:
        c, a = s.accept()
        threading.Thread(target=serve, args=(c,), daemon=True).start()
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8080))
s.listen(50)
threading.Thread(target=accept, daemon=True).start()
while input("command: ") != "quit":
    pass
