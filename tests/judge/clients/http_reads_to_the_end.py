# bugs: waits-for-close
import socket
import sys


def run():
    client = socket.create_connection(("127.0.0.1", 8000), timeout=30)
    client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n")
    answer = b""
    while data := client.recv(4096):
        answer += data
    print(len(answer))
    client.close()


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
