# select 读写分离的回显服务器, 每个连接有自己的发送缓冲
import select
import socket

LISTEN = ('127.0.0.1', 21008)

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.setblocking(False)
server.bind(LISTEN)
server.listen(128)

out = {}        # 连接 -> 还没有发出去的数据


def close(conn):
    out.pop(conn, None)
    conn.close()


while True:
    want_write = [c for c in out if out[c]]
    readable, writable, _ = select.select([server] + list(out), want_write, [])

    for s in readable:
        if s is server:
            conn, addr = server.accept()
            conn.setblocking(False)
            out[conn] = b''
            continue
        try:
            data = s.recv(4096)
        except BlockingIOError:
            continue
        except ConnectionError:
            close(s)
            continue
        if data:
            out[s] += data
        else:
            # 对方关闭
            close(s)

    for s in writable:
        if s not in out:
            continue
        try:
            n = s.send(out[s])
            out[s] = out[s][n:]
        except BlockingIOError:
            pass
        except ConnectionError:
            close(s)
