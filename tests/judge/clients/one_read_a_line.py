# bugs: one-read-one-message
import socket
import sys


def run():
    client = socket.create_connection(("127.0.0.1", 8080), timeout=10)
    client.sendall(b"TIME\n")
    print(client.recv(1024))
    client.close()


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
