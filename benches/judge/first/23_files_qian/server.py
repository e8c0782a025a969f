# Static file server, one process per request (fork)
# Qian, homework 7.  Protected against "../" in the address!
import os
import signal
import socket
import sys
from urllib.parse import unquote

BASE = os.path.dirname(os.path.abspath(__file__)) + '/static'
TYPES = {'html': 'text/html; charset=utf-8', 'txt': 'text/plain; charset=utf-8', 'css': 'text/css; charset=utf-8'}


class BadRequest(Exception):
    pass


def read_request(conn):
    data = b''
    while b'\r\n\r\n' not in data:
        piece = conn.recv(4096)
        if not piece:
            return None
        data += piece
        if len(data) > 50000:
            raise BadRequest('header too long')
    line = data.split(b'\r\n')[0].decode('ascii', 'replace')
    parts = line.split(' ')
    if len(parts) != 3 or not parts[1].startswith('/'):
        raise BadRequest(line)
    return parts[0], parts[1]


def get_file(url):
    """Returns (status, type, content)."""
    url = url.split('?')[0]
    if '..' in url:
        return '403 Forbidden', TYPES['html'], '<h1>403 想干什么?</h1>'.encode('utf-8')
    if url == '/':
        url = '/index.html'
    filename = BASE + unquote(url)          # 文件名可能是中文
    try:
        with open(filename, 'rb') as f:
            return '200 OK', TYPES.get(filename.split('.')[-1], 'application/octet-stream'), f.read()
    except (OSError, ValueError):
        return '404 Not Found', TYPES['html'], '<h1>404 没有这个文件</h1>'.encode('utf-8')


def client_process(conn, listener):
    listener.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        try:
            request = read_request(conn)
            if request is None:
                return
            status, ctype, body = get_file(request[1])
        except BadRequest:
            request = ('GET', '/')
            status, ctype, body = '400 Bad Request', TYPES['html'], b'<h1>400</h1>'
        head = 'HTTP/1.1 ' + status + '\r\nContent-Type: ' + ctype + '\r\nContent-Length: ' + str(len(body)) + \
               '\r\nConnection: close\r\n\r\n'
        conn.sendall(head.encode('ascii'))
        if request[0] != 'HEAD':
            conn.sendall(body)
    except OSError as e:
        print('client lost:', e)
    finally:
        conn.close()


def reap(signum, frame):
    # 回收已经结束的子进程
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == '__main__':
    signal.signal(signal.SIGCHLD, reap)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('', int(sys.argv[1])))
    listener.listen(128)
    while True:
        conn, addr = listener.accept()
        if os.fork() == 0:
            try:
                client_process(conn, listener)
            finally:
                os._exit(0)
        conn.close()        # 父进程也要关闭
