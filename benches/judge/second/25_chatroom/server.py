# 多线程聊天室, 端口 22025
# 连上以后第一行是名字, 之后每一行会转发给其他人; 空行不转发
import queue
import socket
import threading
import time

PORT = 22025


class Member:
    """一个客户端: 一个收线程, 一个发线程, 中间是队列"""

    def __init__(self, room, sock, addr):
        self.room = room
        self.sock = sock
        self.addr = addr
        self.name = None
        self.outbox = queue.Queue(maxsize=1000)

    def post(self, text):
        try:
            self.outbox.put_nowait(text)
        except queue.Full:
            pass            # 收得太慢的人会漏掉消息, 但不会拖住别人

    def sender(self):
        try:
            while True:
                text = self.outbox.get()
                if text is None:
                    break
                self.sock.sendall((text + "\n").encode("utf-8"))
        except OSError:
            pass
        # 发完了再关
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def receiver(self):
        buf = b""
        try:
            while True:
                data = self.sock.recv(4096)
                if not data:
                    break
                buf += data
                *lines, buf = buf.split(b"\n")
                for line in lines:
                    self.line(line)
                if len(buf) > 65536:
                    self.post("太长了")
                    buf = b""
                    break
            if buf:
                self.line(buf)
        except OSError as e:
            print(self.addr, e, flush=True)
        finally:
            self.room.leave(self)

    def line(self, raw):
        text = raw.decode("utf-8", "replace").strip()
        if not text:
            return
        if self.name is None:
            self.name = text[:30]
            self.post("欢迎 " + self.name)
            self.room.say(self, self.name + " 来了")
        else:
            self.room.say(self, self.name + ": " + text)


class Room:
    def __init__(self):
        self.lock = threading.Lock()
        self.members = []

    def enter(self, sock, addr):
        m = Member(self, sock, addr)
        try:
            threading.Thread(target=m.sender, daemon=True).start()
        except RuntimeError:
            sock.close()
            return
        with self.lock:
            self.members.append(m)
        try:
            threading.Thread(target=m.receiver, daemon=True).start()
        except RuntimeError:
            self.leave(m)

    def say(self, who, text):
        with self.lock:
            everyone = [m for m in self.members if m is not who and m.name is not None]
        for m in everyone:
            m.post(text)

    def leave(self, m):
        with self.lock:
            if m not in self.members:
                return
            self.members.remove(m)
        if m.name is not None:
            self.say(m, m.name + " 走了")
        # None 让发线程结束; 队列满了说明对方早就不收了
        try:
            m.outbox.put_nowait(None)
        except queue.Full:
            try:
                m.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            try:
                m.outbox.put(None, timeout=5)
            except queue.Full:
                pass        # 发线程早就结束了


def main():
    room = Room()
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", PORT))
    server.listen(128)
    print("聊天室", PORT, flush=True)
    while True:
        try:
            sock, addr = server.accept()
        except OSError as e:
            print(e, flush=True)
            time.sleep(0.1)
            continue
        room.enter(sock, addr)


if __name__ == "__main__":
    main()
