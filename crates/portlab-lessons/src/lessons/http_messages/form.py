import socket
from urllib.parse import parse_qs


def body_of(client):
    file = client.makefile("rb")
    length = 0
    for line in file:
        if line == b"\r\n":
            break
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return file.read(length)


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
server.listen(128)
print(server.getsockname()[1])
while True:
    client, address = server.accept()
    try:
        fields = parse_qs(body_of(client).decode(errors="replace"))
        answer = f"{fields}\n".encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n"
        client.sendall(head.encode() + answer)
    except (OSError, ValueError):
        print("a bad request")
    client.close()
