# bugs: no-blank-line
import socket
import sys


def run():
    client = socket.create_connection(("127.0.0.1", 8000), timeout=10)
    client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n")
    while data := client.recv(4096):
        print(len(data))
    client.close()


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
