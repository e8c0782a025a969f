# bugs: none
import socket
import sys

try:
    with socket.create_connection(("localhost", 8888), timeout=10) as client:
        with client.makefile("rw", encoding="utf-8", newline="\n") as lines:
            for word in ["你好", "hello", "再见"]:
                lines.write(word + "\n")
                lines.flush()
                answer = lines.readline()
                if not answer.endswith("\n"):
                    sys.exit("服务端提前关闭了连接")
                print(answer.strip())
except OSError as error:
    sys.exit(f"网络出错：{error}")
