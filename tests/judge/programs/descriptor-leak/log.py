# Bug: a log file is opened for each client and never closed.
import socket
import threading


logs = []


def serve(client):
    log = open("/dev/null", "w")
    logs.append(log)
    with client, client.makefile("rb") as lines:
        try:
            for line in lines:
                log.write(repr(line))
                client.sendall("记下了：".encode() + line)
        except OSError:
            pass


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
