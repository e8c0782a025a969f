import socket, threading, sys
def serve(c):
    while True:
        if not c.recv(1024):
            break
        print("your answer")
        c.sendall(sys.stdin.readline().encode())
    c.close()
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8080))
s.listen(50)
while True:
    c, a = s.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
