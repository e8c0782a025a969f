# Bug: each client starts a second thread, which never ends.
import socket
import threading
import time


def heartbeat(addr):
    while True:
        time.sleep(10)
        print(addr, "在线")


def serve(client):
    threading.Thread(target=heartbeat, args=(client.getpeername(),), daemon=True).start()
    with client, client.makefile("rb") as lines:
        try:
            for line in lines:
                client.sendall("收到：".encode() + line)
        except OSError:
            pass


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
