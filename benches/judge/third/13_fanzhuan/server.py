# 把每一行文字倒过来
import selectors
import socket

sel = selectors.DefaultSelector()


def accept(sock, _):
    conn, addr = sock.accept()
    sel.register(conn, selectors.EVENT_READ, (read, {'buf': b''}))


def drop(conn):
    sel.unregister(conn)
    conn.close()


def read(conn, state):
    try:
        data = conn.recv(2048)
        if not data:
            drop(conn)
            return
        state['buf'] += data
        while True:
            pos = state['buf'].find(b'\n')
            if pos < 0:
                break
            line = state['buf'][:pos].decode('utf-8')
            state['buf'] = state['buf'][pos + 1:]
            line = line.rstrip('\r')
            conn.sendall((line[::-1] + '\n').encode('utf-8'))
    except ConnectionError:
        drop(conn)


server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 21013))
server.listen(128)
sel.register(server, selectors.EVENT_READ, (accept, None))
while True:
    for key, mask in sel.select():
        func, state = key.data
        func(key.fileobj, state)
