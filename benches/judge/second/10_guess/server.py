# 猜数字游戏服务器 (多线程), 端口 22010
# 每个玩家有自己的数字 1-100; 每行发一个数; 猜中以后服务器说再见
import random
import socket
import threading
import time


class GuessServer:

    def __init__(self, port):
        self.port = port
        self.players = {}              # 编号 -> 套接字
        self.next_id = 1
        self.lock = threading.Lock()

    def start(self):
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("", self.port))
        server.listen(128)
        print("猜数字服务器启动", flush=True)
        while True:
            try:
                sock, addr = server.accept()
            except OSError as e:
                print("accept", e, flush=True)
                time.sleep(0.1)
                continue
            with self.lock:
                no = self.next_id
                self.next_id += 1
                self.players[no] = sock
            t = threading.Thread(target=self.play, args=(no, sock), daemon=True)
            try:
                t.start()
            except RuntimeError:
                sock.close()

    def play(self, no, sock):
        print("玩家", no, "来了", flush=True)
        try:
            self.game(no, sock)
        except OSError as e:
            print("玩家", no, "掉线", e, flush=True)
        # 断开连接
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        print("玩家", no, "走了", flush=True)

    def game(self, no, sock):
        secret = random.randint(1, 100)
        tries = 0
        sock.sendall("欢迎, 请猜 1-100\n".encode("utf-8"))
        buf = b""
        while True:
            data = sock.recv(1024)
            if not data:
                if not buf:
                    return
                data = b"\n"        # 最后一行没有换行
            buf += data
            if len(buf) > 10000 and b"\n" not in buf:
                sock.sendall("太长了\n".encode("utf-8"))
                return
            while b"\n" in buf:
                line, buf = buf.split(b"\n", 1)
                word = line.strip()
                if not word.isdigit() or len(word) > 3:
                    sock.sendall("请输入数字\n".encode("utf-8"))
                    continue
                tries += 1
                n = int(word)
                if n < secret:
                    sock.sendall("小了\n".encode("utf-8"))
                elif n > secret:
                    sock.sendall("大了\n".encode("utf-8"))
                else:
                    sock.sendall(f"猜中了, 用了{tries}次, 再见\n".encode("utf-8"))
                    return


if __name__ == "__main__":
    GuessServer(22010).start()
