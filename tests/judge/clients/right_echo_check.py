# bugs: none
import socket
import sys

sent = "回声：你好，世界".encode()
try:
    client = socket.create_connection(("127.0.0.1", 7000), timeout=10)
    client.sendall(sent)
    came = b""
    while len(came) < len(sent):
        part = client.recv(5)
        if not part:
            sys.exit("服务端提前关闭了连接")
        came += part
    assert came == sent, came
    print(came.decode())
    client.close()
except OSError as error:
    sys.exit(f"网络出错：{error}")
