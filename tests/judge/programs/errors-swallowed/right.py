# Right: only BlockingIOError is expected, and select waits for data.
import select
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
server.setblocking(False)
sockets = [server]
while True:
    ready, _, _ = select.select(sockets, [], [])
    for sock in ready:
        try:
            if sock is server:
                client, addr = server.accept()
                client.setblocking(False)
                sockets.append(client)
                continue
            data = sock.recv(1024)
            if data:
                sock.send("收到".encode("gbk"))
        except BlockingIOError:
            continue
        except OSError:
            data = b""
        if not data:
            sockets.remove(sock)
            sock.close()
