#!/usr/bin/env python3
# 多进程时间服务器
# 协议: 一行一个命令  TIME / DATE / UNIX / QUIT
import os
import socket
import time

PORT = 22001


def answer(cmd):
    now = time.localtime()
    if cmd == b"TIME":
        return time.strftime("%H:%M:%S", now).encode()
    if cmd == b"DATE":
        return time.strftime("%Y-%m-%d", now).encode()
    if cmd == b"UNIX":
        return str(int(time.time())).encode()
    return b"ERR unknown command"


def serve_client(sock):
    """子进程: 为一个客户端服务, 直到它离开"""
    buf = b""
    while True:
        data = sock.recv(1024)
        if not data:
            # 客户端关闭了, 最后一行可能没有换行
            if buf.strip():
                sock.sendall(answer(buf.strip().upper()) + b"\n")
            return
        buf += data
        while b"\n" in buf:
            line, buf = buf.split(b"\n", 1)
            cmd = line.strip().upper()
            if cmd == b"QUIT":
                sock.sendall(b"BYE\n")
                return
            sock.sendall(answer(cmd) + b"\n")
        if len(buf) > 4096:
            sock.sendall(b"ERR line too long\n")
            return


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", PORT))
    server.listen(128)
    print("时间服务器启动, 端口", PORT, "pid", os.getpid(), flush=True)

    while True:
        try:
            new_socket, addr = server.accept()
        except OSError as e:
            print("accept 出错:", e, flush=True)
            time.sleep(0.1)
            continue
        try:
            pid = os.fork()
        except OSError as e:
            print("fork 出错:", e, flush=True)
            new_socket.close()
            continue
        if pid == 0:
            server.close()
            try:
                serve_client(new_socket)
            except OSError as e:
                print("连接断开:", addr, e, flush=True)
            finally:
                new_socket.close()
                os._exit(0)
        # 父进程不需要这个套接字, 一定要关闭
        new_socket.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("退出")
