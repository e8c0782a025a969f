#!/usr/bin/python3
# coding=utf-8
# 静态网站服务器 罗明
import os
import socket
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'www'))
MIME = {'.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript; charset=utf-8', '.png': 'image/png'}


def find_file(url):
    """把url变成文件名, 不允许跑到www外面去"""
    from urllib.parse import unquote
    path = unquote(url.split('?', 1)[0])
    if path.endswith('/'):
        path += 'index.html'
    if '\0' in path:
        return None
    full = os.path.realpath(ROOT + '/' + path)
    if not full.startswith(ROOT + os.sep):
        return None
    return full if os.path.isfile(full) else None


def receive_request(conn):
    request = b''
    while not b'\r\n\r\n' in request:
        data = conn.recv(4096)
        if data == b'':
            return None
        request += data
        if len(request) > 1024 * 64:
            return None
    return request.split(b'\r\n', 1)[0].decode('latin-1')


def reply(conn, status, ctype, body, head_only=False):
    header = 'HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n' % (status, ctype, len(body))
    conn.sendall(header.encode('latin-1'))
    if not head_only:
        conn.sendall(body)


def serve_one(conn):
    line = receive_request(conn)
    if line is None:
        return
    print(line)
    words = line.split(' ')
    if len(words) != 3:
        reply(conn, '400 Bad Request', MIME['.html'], '<h1>请求错误</h1>'.encode('utf-8'))
        return
    if words[0] not in ('GET', 'HEAD'):
        reply(conn, '405 Method Not Allowed', MIME['.html'], '<h1>不支持的方法</h1>'.encode('utf-8'))
        return
    name = find_file(words[1])
    if name is None:
        reply(conn, '404 Not Found', MIME['.html'], '<h1>404 没有找到</h1>'.encode('utf-8'), words[0] == 'HEAD')
    else:
        with open(name, 'rb') as f:
            body = f.read()
        ext = os.path.splitext(name)[1]
        reply(conn, '200 OK', MIME.get(ext, 'application/octet-stream'), body, words[0] == 'HEAD')


def main():
    listen_sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listen_sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listen_sock.bind(('', int(sys.argv[1])))
    listen_sock.listen(128)
    while True:
        conn, addr = listen_sock.accept()
        try:
            serve_one(conn)
        except Exception as e:
            # 一个客户端出错不能影响别人
            print(addr, '出错:', e)
        finally:
            conn.close()


if __name__ == '__main__':
    main()
