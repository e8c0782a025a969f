# 便签服务器 (多进程): 每个客户端有自己的便签
#   PUT 名字 内容   -> OK
#   GET 名字        -> 内容 或 NONE
#   LIST            -> 名字 名字 ...
#   QUIT            -> BYE
import os
import signal
import socket
import time

PORT = 22032


def reap(signum, frame):
    """回收结束了的子进程"""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def command(notes, line):
    words = line.decode("utf-8", "surrogateescape").strip().split(" ", 2)
    cmd = words[0].upper()
    if cmd == "PUT" and len(words) == 3:
        if len(notes) >= 1000:
            return "FULL"
        notes[words[1]] = words[2]
        return "OK"
    if cmd == "GET" and len(words) == 2:
        return notes.get(words[1], "NONE")
    if cmd == "LIST" and len(words) == 1:
        return " ".join(sorted(notes)) or "NONE"
    if cmd == "QUIT":
        return "BYE"
    return "ERROR"


def serve(sock):
    notes = {}
    buf = b""
    eof = False
    while not eof:
        data = sock.recv(4096)
        if not data:
            eof = True
            if buf:
                data = b"\n"        # 最后一行没有换行
        buf += data
        *lines, buf = buf.split(b"\n")
        for line in lines:
            answer = command(notes, line)
            sock.sendall(answer.encode("utf-8", "surrogateescape") + b"\n")
            if answer == "BYE":
                return
        if len(buf) > 65536:
            sock.sendall(b"ERROR\n")
            return


def main():
    signal.signal(signal.SIGCHLD, reap)
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", PORT))
    server.listen(128)
    print("便签服务器", PORT, flush=True)
    while True:
        try:
            sock, addr = server.accept()
        except OSError as e:
            print(e, flush=True)
            time.sleep(0.1)
            continue
        try:
            pid = os.fork()
        except OSError as e:
            print(e, flush=True)
            sock.close()
            continue
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            server.close()
            try:
                serve(sock)
            except OSError as e:
                print(addr, e, flush=True)
            finally:
                sock.close()
                os._exit(0)
        sock.close()


if __name__ == "__main__":
    main()
