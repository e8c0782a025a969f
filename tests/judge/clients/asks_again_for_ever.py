# bugs: misses-server-end
import socket
import sys


def run():
    client = socket.create_connection(("127.0.0.1", 8080), timeout=10)
    text = b""
    client.sendall(b"hello\n")
    while True:
        data = client.recv(1024)
        if data:
            print(data)


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
