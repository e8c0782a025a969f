# Bug: a member who has left stays in the list, and sendall() to its closed socket ends the program.
import select
import socket

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 8080))
s.listen(10)
socks = [s]
members = []
while True:
    r, _, _ = select.select(socks, [], [])
    for c in r:
        if c is s:
            n, a = s.accept()
            socks.append(n)
            members.append(n)
            continue
        try:
            data = c.recv(1024)
        except OSError:
            data = b""
        if not data:
            socks.remove(c)
            c.close()
            continue
        for o in members:
            if o is not c:
                o.sendall(data)
