# bugs: send-not-sendall
import socket
import sys


def run():
    client = socket.create_connection(("127.0.0.1", 8080), timeout=10)
    client.send(b"0123456789abcdef" * 1048576)
    client.shutdown(socket.SHUT_WR)
    while client.recv(65536):
        pass
    client.close()


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
