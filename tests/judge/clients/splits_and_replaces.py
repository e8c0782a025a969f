# bugs: splits-character
import socket
import sys


def run():
    client = socket.create_connection(("127.0.0.1", 8080), timeout=10)
    client.sendall("你好".encode("gbk"))
    client.shutdown(socket.SHUT_WR)
    while data := client.recv(1024):
        print(data.decode("gbk", "replace"), end="")


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
