# Right: an error ends the client's connection only, and is written to stderr.
import socket
import threading
import traceback


def work(client):
    try:
        while data := client.recv(1024):
            client.sendall(data)
    except OSError:
        traceback.print_exc()
    finally:
        client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=work, args=(client,), daemon=True).start()
