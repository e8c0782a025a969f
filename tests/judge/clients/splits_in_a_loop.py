# bugs: splits-character
import socket
import sys


def run():
    client = socket.create_connection(("127.0.0.1", 8080), timeout=10)
    client.sendall("你好".encode())
    client.shutdown(socket.SHUT_WR)
    text = ""
    while True:
        data = client.recv(1024)
        if not data:
            break
        text += data.decode()
    print(text)


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
