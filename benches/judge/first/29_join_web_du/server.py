#!/usr/bin/env python3
"""Web server with a pool of worker processes (pre-fork). Du Yifan

    python3 server.py <port> [workers]

Every worker runs its own accept loop on the same listening socket and starts
a thread for each browser.
"""
import mimetypes
import os
import os.path as osp
import signal
import socket
import sys
import threading
import urllib.parse

DOCROOT = osp.join(osp.dirname(osp.abspath(__file__)), 'htdocs')


def locate(target):
    path = urllib.parse.unquote(target.split('?', 1)[0])
    # no climbing out of the document root
    if '..' in path.split('/') or '\0' in path:
        return None
    path = path[1:] or 'index.html'
    filename = osp.join(DOCROOT, path)
    if osp.isdir(filename):
        filename = osp.join(filename, 'index.html')
    return filename if osp.isfile(filename) else None


def head_of(conn):
    received = bytearray()
    while b'\r\n\r\n' not in received:
        block = conn.recv(8192)
        if not block or len(received) > 65536:
            return None
        received += block
    return received.split(b'\r\n\r\n')[0].decode('latin-1')


def serve(conn):
    with conn:
        try:
            head = head_of(conn)
            if head is None:
                return
            parts = head.split('\r\n')[0].split()
            method = parts[0] if parts else ''
            if len(parts) != 3 or not parts[1].startswith('/'):
                status, mime, body = '400 Bad Request', 'text/plain', b'bad request\n'
            elif method not in ('GET', 'HEAD'):
                status, mime, body = '405 Method Not Allowed', 'text/plain', b'only GET and HEAD\n'
            else:
                name = locate(parts[1])
                if name is None:
                    status, mime, body = '404 Not Found', 'text/plain', b'no such page\n'
                else:
                    status = '200 OK'
                    mime = mimetypes.guess_type(name)[0] or 'application/octet-stream'
                    if mime.startswith('text/'):
                        mime += '; charset=utf-8'
                    with open(name, 'rb') as f:
                        body = f.read()
            header = (f'HTTP/1.1 {status}\r\nContent-Type: {mime}\r\n'
                      f'Content-Length: {len(body)}\r\nConnection: close\r\n\r\n')
            conn.sendall(header.encode('latin-1') + (b'' if method == 'HEAD' else body))
        except OSError as e:
            print('worker', os.getpid(), e)


def worker(listener):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn,), daemon=True).start()


def main():
    port = int(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('', port))
    listener.listen(128)
    children = []
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            try:
                worker(listener)
            except KeyboardInterrupt:
                pass
            os._exit(0)
        children.append(pid)

    def stop(*_):
        for pid in children:
            os.kill(pid, signal.SIGTERM)
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    for pid in children:
        os.waitpid(pid, 0)


if __name__ == '__main__':
    main()
