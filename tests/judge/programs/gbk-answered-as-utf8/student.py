# Bug: the client's GBK is decoded, and the answer is encoded as UTF-8.
import socket
import threading


def serve(client):
    with client:
        try:
            while data := client.recv(1024):
                text = data.decode("gbk", "ignore")
                client.sendall(("你刚才说：" + text).encode())
        except OSError:
            pass


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
