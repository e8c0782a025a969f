# Right: accept in a loop, a thread per client.
import socket
import threading


def serve(client):
    data = client.recv(1024)
    if data:
        print(data.decode("gbk", "replace"))
        client.sendall("好的，已收到".encode("gbk"))
    client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
