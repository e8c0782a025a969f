# 石头剪刀布  rock / paper / scissors, 端口 22020
# 每行一次出拳, 服务器回答它出了什么和结果; quit 结束
import random
import socket
import time

BEATS = {"rock": "scissors", "scissors": "paper", "paper": "rock"}


def play(word):
    if word not in BEATS:
        return "please say rock, paper or scissors"
    mine = random.choice(list(BEATS))
    if mine == word:
        return mine + " draw"
    if BEATS[word] == mine:
        return mine + " you win"
    return mine + " you lose"


def one_game(conn):
    buf = b""
    while True:
        data = conn.recv(1024)
        if not data:
            # 最后一行没有换行也要回答
            if buf.strip():
                word = buf.decode("utf-8", "replace").strip().lower()
                conn.sendall((play(word) + "\n").encode("utf-8"))
            return
        buf += data
        while b"\n" in buf:
            line, buf = buf.split(b"\n", 1)
            word = line.decode("utf-8", "replace").strip().lower()
            if word == "quit":
                conn.sendall(b"bye\n")
                return
            conn.sendall((play(word) + "\n").encode("utf-8"))
        if len(buf) > 10000:
            conn.sendall(b"too long\n")
            return


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", 22020))
    server.listen(128)
    print("游戏开始, 端口 22020", flush=True)
    while True:
        try:
            conn, addr = server.accept()
        except OSError as e:
            print(e, flush=True)
            time.sleep(0.1)
            continue
        print("玩家", addr, flush=True)
        try:
            one_game(conn)
        except OSError as e:
            print("玩家掉线", e, flush=True)
        finally:
            conn.close()


if __name__ == "__main__":
    main()
