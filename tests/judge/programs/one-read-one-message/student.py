# Bug: one recv is taken for one line.
import socket
import threading


def serve(client):
    with client:
        while True:
            try:
                data = client.recv(1024)
                if not data:
                    break
                line = data.decode("utf-8", "replace").strip()
                client.sendall(f"你说的是：{line}\n".encode())
            except OSError:
                break


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
