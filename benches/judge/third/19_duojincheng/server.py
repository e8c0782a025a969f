#!/usr/bin/env python3
# 多进程服务器, 每来一个客户就fork一次
import os
import socket


def child(conn):
    try:
        while True:
            data = conn.recv(4096)
            if data == b'':
                break
            conn.sendall(data)
    except ConnectionError:
        pass
    conn.close()


def main():
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(('127.0.0.1', 21019))
    sock.listen(128)
    while True:
        conn, addr = sock.accept()
        pid = os.fork()
        if pid == 0:
            # 子进程
            sock.close()
            child(conn)
            os._exit(0)
        # 父进程不需要这个连接
        conn.close()
        print('子进程', pid, '服务', addr)


main()
