# bugs: misses-server-end
import socket
import sys


def run():
    client = socket.create_connection(("127.0.0.1", 8080), timeout=10)
    client.sendall("你好\n".encode())
    answer = b""
    while b"\n" not in answer:
        answer += client.recv(1024)
    print(answer.decode())
    client.close()


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
