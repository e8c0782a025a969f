# static web server, single thread, selectors
# usage: python3 server.py PORT
import os
import selectors
import socket
import sys

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), 'static')
CONTENT_TYPES = {'.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.txt': 'text/plain; charset=utf-8'}


def safe_name(url):
    name = url.partition('?')[0]
    if name == '/':
        name = '/index.html'
    full = os.path.normpath(ROOT + name)
    return full if full.startswith(ROOT + os.sep) else None


class WebClient:
    def __init__(self, loop, sock):
        self.loop = loop
        self.sock = sock
        self.request = b''
        self.response = b''

    def readable(self):
        data = self.sock.recv(4096)
        self.request += data
        if b'\r\n\r\n' in self.request:
            self.response = self.make_response()
            self.loop.modify(self.sock, selectors.EVENT_WRITE, self)
        elif not data or len(self.request) > 65536:
            self.close()

    def writable(self):
        sent = self.sock.send(self.response)
        self.response = self.response[sent:]
        if not self.response:
            self.close()

    def make_response(self):
        words = self.request.split(b'\r\n')[0].decode('latin-1').split(' ')
        if len(words) != 3 or words[0] not in ('GET', 'HEAD') or '\0' in words[1]:
            return self.build('400 Bad Request', '.html', b'<h1>Bad Request</h1>')
        name = safe_name(words[1])
        if name is None:
            return self.build('403 Forbidden', '.html', b'<h1>Forbidden</h1>')
        file = open(name, 'rb')
        body = file.read()
        file.close()
        return self.build('200 OK', os.path.splitext(name)[1], body, words[0] == 'HEAD')

    def build(self, status, ext, body, head=False):
        lines = ['HTTP/1.1 ' + status,
                 'Content-Type: ' + CONTENT_TYPES.get(ext, 'application/octet-stream'),
                 'Content-Length: %d' % len(body),
                 'Connection: close']
        return '\r\n'.join(lines).encode() + b'\r\n\r\n' + (b'' if head else body)

    def close(self):
        self.loop.unregister(self.sock)
        self.sock.close()


def main():
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(('', int(sys.argv[1])))
    server.listen(128)
    server.setblocking(False)
    loop = selectors.DefaultSelector()
    loop.register(server, selectors.EVENT_READ)
    while True:
        for key, events in loop.select():
            client = key.data
            if client is None:
                try:
                    sock, addr = server.accept()
                except BlockingIOError:
                    continue
                sock.setblocking(False)
                loop.register(sock, selectors.EVENT_READ, WebClient(loop, sock))
                continue
            try:
                if events & selectors.EVENT_READ:
                    client.readable()
                else:
                    client.writable()
            except BlockingIOError:
                pass
            except ConnectionError as e:
                print('connection lost:', e)
                client.close()


if __name__ == '__main__':
    main()
