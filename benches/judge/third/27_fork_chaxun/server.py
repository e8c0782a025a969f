# 多进程查询服务器: 每行一个城市名, 回答区号
import os
import signal
import socket

区号 = {'北京': '010', '上海': '021', '广州': '020', '天津': '022', '重庆': '023'}


def 回收(sig, frame):
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def 服务(conn):
    try:
        with conn.makefile('rb') as f:
            for 行 in f:
                城市 = 行.decode('utf-8', 'replace').strip()
                conn.sendall((区号.get(城市, '查不到') + '\n').encode('utf-8'))
    except ConnectionError:
        pass
    finally:
        conn.close()


def main():
    signal.signal(signal.SIGCHLD, 回收)
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', 21027))
    s.listen(128)
    while True:
        conn, addr = s.accept()
        try:
            pid = os.fork()
        except OSError as e:
            print('不能创建进程', e)
            conn.close()
            continue
        if pid == 0:
            try:
                s.close()
                服务(conn)
            finally:
                os._exit(0)
        conn.close()


if __name__ == '__main__':
    main()
