import socket
from concurrent.futures import ThreadPoolExecutor


def serve(client):
    client.settimeout(0.5)
    try:
        while True:
            data = client.recv(1024)
            if not data:
                break
            client.sendall(data)
    except socket.timeout:
        print("silent for too long")
    client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
server.listen(128)
print(server.getsockname()[1])

with ThreadPoolExecutor(max_workers=2) as pool:
    while True:
        client, address = server.accept()
        pool.submit(serve, client)
