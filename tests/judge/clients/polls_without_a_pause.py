# bugs: busy-loop
import socket
import sys


def run():
    client = socket.create_connection(("127.0.0.1", 8080), timeout=10)
    client.sendall(b"hello\n")
    client.setblocking(False)
    answer = b""
    while not answer.endswith(b"\n"):
        try:
            data = client.recv(1024)
            if not data:
                sys.exit("服务端提前关闭了连接")
            answer += data
        except BlockingIOError:
            pass
    print(answer)
    client.close()


try:
    run()
except OSError as error:
    sys.exit(f"网络出错：{error}")
