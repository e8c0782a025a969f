# -*- coding: utf-8 -*-
# 聊天室 (selectors). 第一行是昵称, 以后每一行发给其他所有人.
import selectors
import socket

PORT = 22012
sel = selectors.DefaultSelector()

names = {}      # 套接字 -> 昵称
inbufs = {}     # 套接字 -> 收到但还不是整行的数据
outbufs = {}    # 套接字 -> 等待发送的数据


def say(sock, text):
    if len(outbufs[sock]) > 1000000:
        return      # 这个人一直不收, 只好不再给他留
    outbufs[sock] += text.encode("utf-8") + b"\n"
    sel.modify(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, on_client)


def broadcast(text, sender=None):
    for s in list(names):
        if s is not sender:
            say(s, text)


def leave(sock):
    sel.unregister(sock)
    try:
        sock.send(outbufs[sock])        # 还没发的话, 最后发一次
    except OSError:
        pass
    sock.close()
    del inbufs[sock]
    del outbufs[sock]
    name = names.pop(sock)
    print(name, "离开", flush=True)
    broadcast("* " + name + " 离开了聊天室")


def on_line(sock, line):
    text = line.decode("utf-8", "replace").strip()
    if not text:
        return
    if sock not in names:
        names[sock] = text[:20]
        print(names[sock], "加入", flush=True)
        say(sock, "欢迎 " + names[sock])
        broadcast("* " + names[sock] + " 加入了聊天室", sock)
    else:
        broadcast(names[sock] + ": " + text, sock)


def on_client(sock, mask):
    if mask & selectors.EVENT_WRITE:
        try:
            n = sock.send(outbufs[sock])
            outbufs[sock] = outbufs[sock][n:]
        except BlockingIOError:
            pass
        except OSError:
            leave(sock)
            return
        if not outbufs[sock]:
            sel.modify(sock, selectors.EVENT_READ, on_client)
    if mask & selectors.EVENT_READ:
        try:
            data = sock.recv(2048)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            on_line(sock, inbufs[sock])     # 最后一行可能没有换行
            leave(sock)
            return
        *lines, rest = (inbufs[sock] + data).split(b"\n")
        inbufs[sock] = rest[:65536]
        for line in lines:
            on_line(sock, line)


def on_accept(server, mask):
    try:
        sock, addr = server.accept()
    except OSError as e:
        print("accept", e, flush=True)
        return
    sock.setblocking(False)
    inbufs[sock] = b""
    outbufs[sock] = b""
    sel.register(sock, selectors.EVENT_READ, on_client)


server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("", PORT))
server.listen(128)
server.setblocking(False)
sel.register(server, selectors.EVENT_READ, on_accept)
print("聊天室开放, 端口", PORT, flush=True)

while True:
    for key, mask in sel.select():
        # 同一轮里, 前面的事件可能已经关闭了它
        if key.fileobj.fileno() != -1:
            key.data(key.fileobj, mask)
