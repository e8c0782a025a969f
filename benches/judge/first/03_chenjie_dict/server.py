# 英汉小词典服务 (多进程 os.fork)
# 一行一个英文单词, 返回一行中文; 输入 quit 退出
import os
import sys
import socket

words = {
    'apple': '苹果', 'banana': '香蕉', 'socket': '套接字', 'thread': '线程',
    'process': '进程', 'server': '服务器', 'client': '客户端', 'port': '端口',
}


def serve(conn):
    # 用文件对象来读行, 比较方便
    f = conn.makefile('rb')
    while True:
        line = f.readline(4096)
        if not line:
            break
        w = line.decode('utf-8', 'replace').strip().lower()
        if w == 'quit':
            conn.sendall('再见\n'.encode('utf-8'))
            break
        conn.sendall((words.get(w, '没有这个单词') + '\n').encode('utf-8'))
    f.close()


port = int(sys.argv[1])
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('', port))
s.listen(128)
print('词典服务启动, 端口', port, '进程号', os.getpid())

while True:
    conn, addr = s.accept()
    pid = os.fork()
    if pid == 0:
        # 子进程: 不需要监听套接字
        s.close()
        print('子进程', os.getpid(), '为', addr, '服务, 父进程是', os.getppid())
        code = 0
        try:
            serve(conn)
        except OSError as e:
            print('出错了', e)
            code = 1
        finally:
            conn.close()
            os._exit(code)
    # 父进程关闭自己的那一份
    conn.close()
