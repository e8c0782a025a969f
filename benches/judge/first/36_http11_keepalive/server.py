"""HTTP/1.1 by hand: threads, keep-alive, Content-Length, bodies are read and thrown away.

    python3 server.py 8000
"""
import os
import socket
import sys
import threading
import time
from urllib.parse import unquote

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'web'))
TYPES = {'.html': 'text/html; charset=utf-8', '.txt': 'text/plain; charset=utf-8'}
REASONS = {200: 'OK', 400: 'Bad Request', 404: 'Not Found', 405: 'Method Not Allowed',
           411: 'Length Required', 413: 'Content Too Large', 431: 'Request Header Fields Too Large'}


class HttpError(Exception):
    pass


class Browser(threading.Thread):
    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock = sock
        self.buf = b''

    def fill(self):
        data = self.sock.recv(8192)
        self.buf += data
        return bool(data)

    def head(self):
        """The next request head as (method, target, version, headers), None at the end."""
        while b'\r\n\r\n' not in self.buf:
            if len(self.buf) > 32768:
                raise HttpError(431)
            if not self.fill():
                return None
        head, self.buf = self.buf.split(b'\r\n\r\n', 1)
        lines = head.decode('latin-1').split('\r\n')
        words = lines[0].split(' ')
        if len(words) != 3 or words[2] not in ('HTTP/1.0', 'HTTP/1.1'):
            raise HttpError(400)
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(':')
            if not colon or not name.strip():
                raise HttpError(400)
            headers[name.strip().lower()] = value.strip()
        return words[0], words[1], words[2], headers

    def skip_body(self, headers):
        if 'transfer-encoding' in headers:
            raise HttpError(411)
        length = headers.get('content-length', '0')
        if not (length.isascii() and length.isdigit()):
            raise HttpError(400)
        if len(length) > 7:
            raise HttpError(413)
        left = int(length)
        while left > len(self.buf):
            left -= len(self.buf)
            self.buf = b''
            if not self.fill():
                return False
        self.buf = self.buf[left:]
        return True

    def send(self, status, body, kind=TYPES['.html'], keep=False, only_head=False):
        head = 'HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n' % (
            status, REASONS[status], kind, len(body), 'keep-alive' if keep else 'close')
        self.sock.sendall(head.encode('latin-1') + (b'' if only_head else body))

    def page(self, target):
        path = unquote(target.split('?')[0].split('#')[0])
        if path.endswith('/'):
            path += 'index.html'
        if not path.startswith('/') or '\0' in path:
            return None, ''
        full = os.path.realpath(ROOT + path)
        if not full.startswith(ROOT + '/'):
            return None, ''
        try:
            with open(full, 'rb') as f:
                return f.read(), TYPES.get(os.path.splitext(full)[1], 'application/octet-stream')
        except OSError:
            return None, ''

    def serve(self):
        while True:
            try:
                request = self.head()
                if request is None:
                    return
                method, target, version, headers = request
                if headers.get('expect', '').lower() == '100-continue':
                    self.sock.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
                if not self.skip_body(headers):
                    return
            except HttpError as e:
                status = e.args[0]
                self.send(status, ('<h1>%d</h1>' % status).encode())
                return
            option = headers.get('connection', '').lower()
            keep = option != 'close' if version == 'HTTP/1.1' else option == 'keep-alive'
            if method not in ('GET', 'HEAD'):
                self.send(405, b'<h1>405</h1>', keep=keep)
            else:
                body, kind = self.page(target)
                if body is None:
                    self.send(404, '<h1>404 没有这个页面</h1>'.encode('utf-8'), keep=keep, only_head=method == 'HEAD')
                else:
                    self.send(200, body, kind, keep, method == 'HEAD')
            if not keep:
                return

    def run(self):
        try:
            self.sock.settimeout(30)
            self.serve()
            # let the client read everything before the connection goes
            self.sock.shutdown(socket.SHUT_WR)
            end = time.monotonic() + 2
            while time.monotonic() < end:
                self.sock.settimeout(max(0.01, end - time.monotonic()))
                if not self.sock.recv(8192):
                    break
        except OSError:
            pass
        finally:
            self.sock.close()


def main():
    server = socket.create_server(('', int(sys.argv[1])), backlog=128)
    while True:
        try:
            sock, _ = server.accept()
        except OSError as e:
            print('accept:', e)
            time.sleep(0.1)
            continue
        try:
            Browser(sock).start()
        except RuntimeError:
            sock.close()


if __name__ == '__main__':
    main()
