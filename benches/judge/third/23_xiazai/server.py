# 文件下载服务器(HTTP)
import os
import socket
from threading import Thread
from urllib.parse import unquote

目录 = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'files')


def 回复(conn, 状态, 内容, 类型='text/plain; charset=utf-8'):
    conn.sendall(('HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n'
                  'Connection: close\r\n\r\n' % (状态, 类型, len(内容))).encode() + 内容)


def 下载(conn):
    请求 = b''
    while not 请求.count(b'\r\n\r\n'):
        一段 = conn.recv(4096)
        if not 一段:
            return
        请求 += 一段
    第一行 = 请求.split(b'\r\n')[0].decode('latin-1').split()
    if len(第一行) != 3:
        return 回复(conn, '400 Bad Request', b'bad request\n')
    路径 = unquote(第一行[1]).split('?')[0]
    if '..' in 路径 or '\0' in 路径:
        # 不能访问上级目录
        return 回复(conn, '403 Forbidden', '禁止访问\n'.encode())
    if 路径 == '/':
        列表 = '\n'.join(sorted(os.listdir(目录))) + '\n'
        return 回复(conn, '200 OK', 列表.encode())
    文件名 = os.path.join(目录, 路径[1:])
    if not os.path.isfile(文件名):
        return 回复(conn, '404 Not Found', '没有这个文件\n'.encode())
    with open(文件名, 'rb') as f:
        回复(conn, '200 OK', f.read(), 'application/octet-stream')


def 线程函数(conn):
    try:
        下载(conn)
    except OSError as e:
        print(e)
    finally:
        conn.close()


s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 21023))
s.listen(128)
while True:
    Thread(target=线程函数, args=(s.accept()[0],), daemon=True).start()
