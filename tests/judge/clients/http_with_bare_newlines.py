# bugs: bare-lf
import socket
import sys


def run():
    client = socket.create_connection(("127.0.0.1", 8000), timeout=10)
    client.sendall(b"GET / HTTP/1.0\nHost: 127.0.0.1\n\n")
    while data := client.recv(4096):
        print(len(data))
    client.close()


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
