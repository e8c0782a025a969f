# Bug: recv raises BlockingIOError before the data has come; `pass` forgets the client.
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
server.setblocking(False)
while True:
    try:
        client, addr = server.accept()
        client.setblocking(False)
        data = client.recv(1024)
        client.send(data)
        client.close()
    except Exception:
        pass
