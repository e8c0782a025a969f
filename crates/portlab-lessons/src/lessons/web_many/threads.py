import socket
import sys
import threading

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def serve(client):
    if client.recv(4096):
        client.sendall(PAGE)
    client.close()


server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(f"http://127.0.0.1:{server.getsockname()[1]}/")
while True:
    client, address = server.accept()
    thread = threading.Thread(target=serve, args=(client,), daemon=True)
    thread.start()
