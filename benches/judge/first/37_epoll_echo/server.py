# 用epoll写的回显服务器, 水平触发. 端口20037
import select
import socket
import time

BUFFER = 64 * 1024

listener = socket.create_server(('', 20037), backlog=128)
listener.setblocking(False)
epoll = select.epoll()
epoll.register(listener, select.EPOLLIN)
conns = {}      # fd -> dict


def close(fd):
    epoll.unregister(fd)
    conns.pop(fd)['sock'].close()


def handle(fd, event):
    c = conns[fd]
    if event & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR) and not c['eof']:
        data = c['sock'].recv(BUFFER)
        if data:
            c['out'] += data
        else:
            c['eof'] = True
    if c['out']:
        n = c['sock'].send(c['out'])
        c['out'] = c['out'][n:]


def interest(c):
    mask = 0
    if c['out']:
        mask |= select.EPOLLOUT
    if not c['eof'] and len(c['out']) < BUFFER:
        mask |= select.EPOLLIN
    return mask


while True:
    for fd, event in epoll.poll():
        if fd == listener.fileno():
            try:
                sock, addr = listener.accept()
            except BlockingIOError:
                continue
            except OSError as e:
                print(e)
                time.sleep(0.05)
                continue
            sock.setblocking(False)
            conns[sock.fileno()] = {'sock': sock, 'out': b'', 'eof': False}
            epoll.register(sock, select.EPOLLIN)
            continue
        try:
            handle(fd, event)
        except BlockingIOError:
            pass
        except OSError as e:
            print(fd, e)
            close(fd)
            continue
        mask = interest(conns[fd])
        if mask:
            epoll.modify(fd, mask)
        else:
            close(fd)
