# Bug: recv may return half a character, and decode raises UnicodeDecodeError.
import socket
import threading


def serve(client):
    while True:
        try:
            data = client.recv(1024)
        except ConnectionResetError:
            break
        if not data:
            break
        text = data.decode("gbk")
        print(text)
        client.sendall(text.encode("gbk"))
    client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
