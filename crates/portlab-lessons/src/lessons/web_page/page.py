import socket
import sys

body = "<h1>你好，浏览器！</h1>".encode()
head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
head += f"Content-Length: {len(body)}\r\n\r\n"
server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen(128)
print(f"http://127.0.0.1:{server.getsockname()[1]}/")
while True:
    client, address = server.accept()
    print(client.recv(4096).decode())
    client.sendall(head.encode() + body)
    client.close()
