# Right: b"" is the client's end.
import socket
import threading


def serve(client):
    while True:
        try:
            data = client.recv(1024)
            if not data:
                break
            print(data.decode("gbk", "replace"))
            client.sendall("好的，我知道了".encode("gbk"))
        except OSError:
            break
    client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
