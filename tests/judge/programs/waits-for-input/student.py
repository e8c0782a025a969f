import socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8080))
s.listen(50)
while True:
    c, a = s.accept()
    data = c.recv(1024)
    print(data.decode())
    c.send(input("reply: ").encode())
    c.close()
