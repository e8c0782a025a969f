# Bug: text[0] raises IndexError when a member leaves.
import select
import socket

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 8080))
s.listen(10)
socks = [s]
while True:
    r, _, _ = select.select(socks, [], [])
    for c in r:
        if c is s:
            n, a = s.accept()
            socks.append(n)
            continue
        data = c.recv(1024)
        text = data.decode("utf-8", "replace")
        if text[0] == "/":
            c.sendall("没有这个命令\n".encode())
            continue
        for o in socks:
            if o is not s and o is not c:
                o.sendall(data)
