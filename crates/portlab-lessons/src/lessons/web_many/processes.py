import socket
import sys
from multiprocessing import Process, set_start_method

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

set_start_method("fork")


def serve(client):
    if client.recv(4096):
        client.sendall(PAGE)
    client.close()


server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(f"http://127.0.0.1:{server.getsockname()[1]}/")
while True:
    client, address = server.accept()
    process = Process(target=serve, args=(client,))
    process.start()
    client.close()
