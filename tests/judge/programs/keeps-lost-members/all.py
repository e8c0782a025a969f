# Bug: a member who has left stays in the list; everything is sent to all, to the sender too.
import socket
import threading

members = []


def work(member):
    while True:
        data = member.recv(1024)
        if not data:
            break
        for other in members:
            other.sendall(data)
    member.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("127.0.0.1", 8080))
server.listen(5)
while True:
    member, addr = server.accept()
    members.append(member)
    threading.Thread(target=work, args=(member,)).start()
