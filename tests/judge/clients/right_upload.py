# bugs: no-timeout
import socket
import sys

try:
    client = socket.create_connection(("127.0.0.1", 8080))
    client.sendall(b"0123456789abcdef" * 131072)
    client.shutdown(socket.SHUT_WR)
    while client.recv(65536):
        pass
    client.close()
except OSError as error:
    sys.exit(f"网络出错：{error}")
