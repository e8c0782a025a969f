# bugs: never-closes
import socket
import sys


def run():
    import time
    client = socket.create_connection(("127.0.0.1", 8080), timeout=10)
    client.sendall(b"hello\n")
    print(client.makefile().readline())
    while True:
        time.sleep(60)


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
