# Bug: an empty name raises IndexError in the accept loop. A member who has left stays in the list, too.
import socket
import threading

members = []


def work(m, name):
    while True:
        data = m.recv(1024)
        if not data:
            break
        for o in members:
            if o is not m:
                o.sendall((name + "：").encode("gbk") + data)
    m.close()


s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 8080))
s.listen(10)
while True:
    m, a = s.accept()
    name = m.recv(1024).decode("gbk").split()[0]
    members.append(m)
    threading.Thread(target=work, args=(m, name), daemon=True).start()
