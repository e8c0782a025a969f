# 成语接龙提示服务 (fork), GBK编码, 适合Windows的网络调试助手
# 客户端发一个成语, 返回一个以最后一个字开头的成语
import os
import signal
import socket
import sys
import time

CHENGYU = ['一心一意', '意气风发', '发扬光大', '大同小异', '异口同声', '声东击西', '西装革履', '马到成功', '功成名就']


def jielong(text):
    for c in CHENGYU:
        if text and c[0] == text[-1]:
            return c
    return '接不上'


def service(conn):
    with conn.makefile('rb') as f:
        for _ in range(100000):
            raw = f.readline(1000)
            if not raw:
                break
            text = raw.decode('gbk', 'replace').strip()
            conn.sendall((jielong(text) + '\r\n').encode('gbk', 'replace'))


def collect(signum, frame):
    try:
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
    except ChildProcessError:
        pass


def main():
    signal.signal(signal.SIGCHLD, collect)
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('', int(sys.argv[1])))
    s.listen(1024)
    while True:
        try:
            conn, addr = s.accept()
        except OSError as e:
            print(e)
            time.sleep(0.1)
            continue
        try:
            pid = os.fork()
        except OSError as e:
            print('fork:', e)
            conn.close()
            continue
        if pid == 0:
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                s.close()
                service(conn)
            except OSError:
                pass
            finally:
                conn.close()
                os._exit(0)
        conn.close()


if __name__ == '__main__':
    main()
