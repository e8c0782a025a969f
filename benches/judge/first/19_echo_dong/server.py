import os
import signal
import socket
import sys

# 多进程回显服务器  董倩
# 每来一个客户端就fork一个子进程


def child_work(cli):
    while 1:
        shuju = cli.recv(2048)
        if not shuju:
            break
        cli.sendall(shuju)


def main(duankou):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)    # 不要僵尸进程, 让系统回收
    ser = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    ser.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    ser.bind(('', duankou))
    ser.listen(1)
    while 1:
        cli, dizhi = ser.accept()
        print('收到连接', dizhi, flush=True)
        if os.fork() == 0:
            ser.close()
            try:
                child_work(cli)
            except OSError:
                pass
            cli.close()
            os._exit(0)
        cli.close()


if __name__ == '__main__':
    main(int(sys.argv[1]))
