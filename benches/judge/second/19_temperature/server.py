#!/usr/bin/env python3
"""温度换算服务 (epoll)
   C 100  ->  F 212.0
   F 32   ->  C 0.0
用法: server.py 端口"""
import select
import socket
import sys


def convert(line):
    words = line.split()
    if len(words) == 2 and len(words[1]) < 20:
        try:
            degrees = float(words[1])
        except ValueError:
            return b"?\n"
        if words[0].upper() == b"C":
            return b"F %.1f\n" % (degrees * 9 / 5 + 32)
        if words[0].upper() == b"F":
            return b"C %.1f\n" % ((degrees - 32) * 5 / 9)
    return b"?\n"


class Peer:
    __slots__ = ("sock", "inp", "outp", "end")

    def __init__(self, sock):
        self.sock = sock
        self.inp = b""
        self.outp = b""
        self.end = False


def run(port):
    ls = socket.create_server(("0.0.0.0", port), backlog=512)
    ls.setblocking(False)
    ep = select.epoll()
    ep.register(ls, select.EPOLLIN)
    peers = {}
    while True:
        for fd, ev in ep.poll():
            if fd == ls.fileno():
                try:
                    sock, _ = ls.accept()
                except OSError as e:
                    print("accept:", e, file=sys.stderr)
                    continue
                sock.setblocking(False)
                peers[sock.fileno()] = Peer(sock)
                ep.register(sock, select.EPOLLIN)
                continue

            p = peers[fd]
            if ev & select.EPOLLIN:
                try:
                    data = p.sock.recv(4096)
                except BlockingIOError:
                    continue
                if data:
                    p.inp += data
                    while b"\n" in p.inp:
                        line, p.inp = p.inp.split(b"\n", 1)
                        p.outp += convert(line)
                    if len(p.inp) > 1000:
                        p.outp += b"?\n"
                        p.end = True
                else:
                    if p.inp:
                        p.outp += convert(p.inp)
                    p.end = True
            if p.outp:
                try:
                    p.outp = p.outp[p.sock.send(p.outp):]
                except BlockingIOError:
                    pass
            if (p.end and not p.outp) or ev == select.EPOLLHUP:
                ep.unregister(fd)
                p.sock.close()
                del peers[fd]
                continue
            interest = 0
            if p.outp:
                interest |= select.EPOLLOUT
            if not p.end and len(p.outp) < 65536:
                interest |= select.EPOLLIN
            ep.modify(fd, interest)


if __name__ == "__main__":
    run(int(sys.argv[1]))
