"""Greeting service.

Send one line:  <language> <name>       e.g.   en Peter     or   zh 小明
You get one line back and the connection is closed.
"""
import selectors
import socket

GREET = {'en': 'Hello, {}!', 'zh': '你好,{}!', 'fr': 'Bonjour, {} !', 'de': 'Guten Tag, {}!'}
sel = selectors.DefaultSelector()


def greeting(text):
    words = text.split()
    language = words[0]
    name = ' '.join(words[1:]) or 'stranger'
    return GREET.get(language, GREET['en']).format(name) + '\n'


def on_connect(server):
    conn, addr = server.accept()
    conn.setblocking(False)
    sel.register(conn, selectors.EVENT_READ, (on_data, bytearray()))


def on_data(conn, request):
    try:
        chunk = conn.recv(1024)
    except BlockingIOError:
        return
    except OSError:
        goodbye(conn)
        return
    request += chunk
    if b'\n' in request or not chunk or len(request) > 4000:
        line = bytes(request).split(b'\n')[0].decode('utf-8', 'replace')
        answer = bytearray(greeting(line).encode('utf-8'))
        sel.modify(conn, selectors.EVENT_WRITE, (on_writable, answer))


def on_writable(conn, answer):
    try:
        n = conn.send(answer)
        del answer[:n]
    except BlockingIOError:
        return
    except OSError:
        goodbye(conn)
        return
    if not answer:
        goodbye(conn)


def goodbye(conn):
    sel.unregister(conn)
    conn.close()


def main():
    server = socket.create_server(('', 20018), backlog=128)
    server.setblocking(False)
    sel.register(server, selectors.EVENT_READ, None)
    print('greeting on 20018')
    while True:
        for key, _ in sel.select():
            if key.data is None:
                try:
                    on_connect(key.fileobj)
                except OSError as e:
                    print('accept:', e)
            else:
                function, buffer = key.data
                function(key.fileobj, buffer)


if __name__ == '__main__':
    main()
