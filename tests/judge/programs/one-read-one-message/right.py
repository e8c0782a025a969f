# Right: a line ends at its line end, however it was read.
import socket
import threading


def serve(client):
    with client, client.makefile("rb") as lines:
        try:
            for line in lines:
                text = line.decode("utf-8", "replace").strip()
                client.sendall(f"你说的是：{text}\n".encode())
        except OSError:
            pass


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
