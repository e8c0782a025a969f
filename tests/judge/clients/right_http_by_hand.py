# bugs: none
import socket
import sys

try:
    client = socket.create_connection(("127.0.0.1", 8000), timeout=10)
    client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nConnection: close\r\n\r\n")
    answer = b""
    while part := client.recv(4096):
        answer += part
    head, end, body = answer.partition(b"\r\n\r\n")
    print(head.decode("latin-1") if end else "服务端没有回答")
    print(len(body))
except OSError as error:
    sys.exit(f"网络出错：{error}")
