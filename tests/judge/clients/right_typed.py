# bugs: one-read-one-message no-timeout
import socket
import sys

try:
    client = socket.socket()
    client.connect(("10.0.0.8", 8080))
    while True:
        text = input("请输入：")
        if text in ("quit", "exit", "bye"):
            break
        client.sendall(text.encode())
        answer = client.recv(1024)
        if not answer:
            break
        print(answer.decode())
    client.close()
except OSError as error:
    sys.exit(f"网络出错：{error}")
