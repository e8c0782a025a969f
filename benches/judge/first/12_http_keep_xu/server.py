# HTTP/1.1 server with keep-alive, one thread per browser connection.
# Author: Xu Kai, exercise "HTTP by hand"
import socket
import sys
import threading
from datetime import datetime


def index():
    return '<!doctype html><meta charset="utf-8"><h1>Hello, 世界</h1><a href="/time">time</a> <a href="/about">about</a>'


def show_time():
    return '<!doctype html><meta charset="utf-8"><p>现在时间: %s</p>' % datetime.now().strftime('%H:%M:%S')


def about():
    return '<!doctype html><meta charset="utf-8"><p>Written in Python 3 with nothing but socket.</p>'


ROUTES = {'/': index, '/time': show_time, '/about': about}


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(60)        # an idle browser may stay for a minute
        self.rest = b''

    def next_request(self):
        """Returns the text of the next request head or None at the end."""
        while b'\r\n\r\n' not in self.rest:
            data = self.sock.recv(4096)
            if not data or len(self.rest) > 100000:
                return None
            self.rest += data
        head, self.rest = self.rest.split(b'\r\n\r\n', 1)
        return head.decode('iso-8859-1')

    def respond(self, head):
        parts = head.split('\r\n')[0].split(' ')
        if len(parts) != 3:
            self.send('400 Bad Request', '<h1>Bad request</h1>')
            return False
        method, target, version = parts
        only_head = method == 'HEAD'
        if method not in ('GET', 'HEAD'):
            self.send('405 Method Not Allowed', '<h1>Only GET and HEAD here</h1>')
            return False
        handler = ROUTES.get(target.split('?')[0])
        if handler is None:
            self.send('404 Not Found', '<h1>Not found</h1>', only_head)
        else:
            self.send('200 OK', handler(), only_head)
        return version == 'HTTP/1.1' and 'connection: close' not in head.lower()

    def send(self, status, page, only_head=False):
        header = ['HTTP/1.1 ' + status,
                  'Server: XuHTTP/0.2',
                  'Content-Type: text/html; charset=utf-8']
        self.sock.sendall('\r\n'.join(header).encode() + b'\r\n\r\n' + (b'' if only_head else page.encode('utf-8')))

    def run(self):
        try:
            while True:
                head = self.next_request()
                if head is None or not self.respond(head):
                    break
        except OSError:
            pass
        finally:
            self.sock.close()


if __name__ == '__main__':
    port = int(sys.argv[1])
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', port))
    s.listen(128)
    print('http://127.0.0.1:%d/' % port)
    while True:
        c, a = s.accept()
        threading.Thread(target=Connection(c).run, daemon=True).start()
