# Bug: a member who has left stays in the dict; the first line is the member's name.
import socket
import threading

members = {}


def work(member):
    name = member.recv(1024).decode("utf-8").strip()
    members[name] = member
    while True:
        text = member.recv(1024).decode("utf-8")
        if not text:
            break
        for other in members.values():
            other.sendall(f"{name}: {text}".encode("utf-8"))
    member.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(64)
while True:
    member, addr = server.accept()
    threading.Thread(target=work, args=(member,), daemon=True).start()
