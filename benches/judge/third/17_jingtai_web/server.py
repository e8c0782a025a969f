# 静态网站服务器
import os
import socket
import threading
import urllib.parse

根目录 = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'html'))
类型 = {'.html': 'text/html; charset=utf-8', '.txt': 'text/plain; charset=utf-8',
      '.css': 'text/css; charset=utf-8', '.png': 'image/png'}


def 读请求(连接):
    """读到空行为止, 有请求体的话也读完"""
    数据 = b''
    while b'\r\n\r\n' not in 数据:
        块 = 连接.recv(4096)
        if not 块:
            return None
        数据 += 块
        if len(数据) > 65536:
            return None
    头, 体 = 数据.split(b'\r\n\r\n', 1)
    各行 = 头.decode('latin-1').split('\r\n')
    长度 = 0
    for 行 in 各行[1:]:
        名, _, 值 = 行.partition(':')
        if 名.strip().lower() == 'content-length' and 值.strip().isdigit():
            长度 = int(值.strip())
    剩余 = 长度 - len(体)
    while 剩余 > 0:
        块 = 连接.recv(4096)
        if not 块:
            break
        剩余 -= len(块)
    return 各行[0]


def 响应(连接, 状态, 正文, 类='text/html; charset=utf-8', 只要头=False):
    头 = 'HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n' % (
        状态, 类, len(正文))
    连接.sendall(头.encode('latin-1'))
    if not 只要头:
        连接.sendall(正文)


def 找文件(路径):
    路径 = urllib.parse.unquote(路径.split('?', 1)[0].split('#', 1)[0])
    if '\0' in 路径:
        return None
    if 路径.endswith('/'):
        路径 += 'index.html'
    文件 = os.path.realpath(根目录 + '/' + 路径)
    if not 文件.startswith(根目录 + os.sep):
        return None
    if not os.path.isfile(文件):
        return None
    return 文件


def 处理(连接):
    try:
        请求行 = 读请求(连接)
        if 请求行 is None:
            return
        部分 = 请求行.split()
        if len(部分) != 3 or not 部分[2].startswith('HTTP/'):
            响应(连接, '400 Bad Request', '<h1>错误的请求</h1>'.encode('utf-8'))
            return
        if 部分[0] not in ('GET', 'HEAD'):
            响应(连接, '405 Method Not Allowed', '<h1>不支持的方法</h1>'.encode('utf-8'))
            return
        只要头 = 部分[0] == 'HEAD'
        文件 = 找文件(部分[1])
        if 文件 is None:
            响应(连接, '404 Not Found', '<h1>没有这个页面</h1>'.encode('utf-8'), 只要头=只要头)
            return
        with open(文件, 'rb') as f:
            正文 = f.read()
        后缀 = os.path.splitext(文件)[1]
        响应(连接, '200 OK', 正文, 类型.get(后缀, 'application/octet-stream'), 只要头)
    except (OSError, ValueError) as e:
        print('出错:', e)
    finally:
        连接.close()


def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', 21017))
    s.listen(128)
    while True:
        连接, _ = s.accept()
        threading.Thread(target=处理, args=(连接,), daemon=True).start()


if __name__ == '__main__':
    main()
