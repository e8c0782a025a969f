# bugs: none
import socket
import sys

try:
    with socket.create_connection(("127.0.0.1", 9090), timeout=10) as client:
        client.sendall("你好".encode("gbk"))
        client.shutdown(socket.SHUT_WR)
        parts = []
        while part := client.recv(1024):
            parts.append(part)
    print(b"".join(parts).decode("gbk"))
except OSError as error:
    sys.exit(f"连接出错：{error}")
