# 英汉小词典: 每行一个英文单词, 返回中文
# 用法  python3 server.py 端口号
import socket
import sys
import time
from threading import Thread

WORDS = {
    "apple": "苹果", "book": "书", "cat": "猫", "dog": "狗", "egg": "鸡蛋",
    "fish": "鱼", "server": "服务器", "client": "客户端", "port": "端口",
    "network": "网络", "thread": "线程", "process": "进程", "hello": "你好",
}


def lookup(conn, addr):
    f = conn.makefile("rwb")
    try:
        while True:
            line = f.readline(4096)
            word = line.decode("utf-8", "ignore").strip().lower()
            if word == "":
                continue            # 空行不用回答
            if word == "bye":
                f.write("再见\n".encode("utf-8"))
                f.flush()
                break
            f.write((WORDS.get(word, "没有这个词") + "\n").encode("utf-8"))
            f.flush()
    except OSError as e:
        print(addr, "断开", e, flush=True)
    finally:
        try:
            f.close()
        except OSError:
            pass
        conn.close()


def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("0.0.0.0", int(sys.argv[1])))
    s.listen(128)
    print("词典服务器", sys.argv[1], flush=True)
    while True:
        try:
            conn, addr = s.accept()
        except OSError as e:
            print(e, flush=True)
            time.sleep(0.1)
            continue
        try:
            Thread(target=lookup, args=(conn, addr), daemon=True).start()
        except RuntimeError:
            conn.close()


if __name__ == "__main__":
    main()
