# 我的网页服务器
import os
import socket


def read_head(conn):
    data = b''
    while b'\r\n\r\n' not in data:
        part = conn.recv(1024)
        if not part:
            return ''
        data += part
    return data.decode('latin-1')


def serve(conn):
    head = read_head(conn)
    if not head:
        return
    words = head.split('\r\n')[0].split(' ')
    if len(words) != 3:
        conn.sendall(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
        return
    name = os.path.basename(words[1])
    if name in ('', '.', '..'):
        name = 'index.html'
    f = open('pages/' + name, 'rb')
    body = f.read()
    f.close()
    conn.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n')
    conn.sendall(b'Content-Length: %d\r\nConnection: close\r\n\r\n' % len(body))
    conn.sendall(body)


sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind(('127.0.0.1', 21021))
sock.listen(128)
while True:
    conn, addr = sock.accept()
    try:
        serve(conn)
    except ConnectionError:
        print('浏览器断开', addr)
    conn.close()
