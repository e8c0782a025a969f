# bugs: mixed-encodings one-read-one-message
import socket
import sys


def run():
    client = socket.create_connection(("127.0.0.1", 8080), timeout=10)
    client.sendall("你好，我是客户端".encode())
    print(client.recv(1024).decode("gbk"))
    client.close()


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
