# Bug: the accept loop waits for the name of a client, so one silent client keeps the others out of the chat.
import socket
import threading

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
members = []


def serve(client, name):
    try:
        while True:
            data = client.recv(1024)
            if not data:
                break
            for member in list(members):
                if member is not client:
                    member.sendall(name + b": " + data)
    except OSError:
        pass
    finally:
        members.remove(client)
        client.close()


while True:
    client, addr = server.accept()
    try:
        client.sendall("请输入昵称：\n".encode())
        name = client.recv(1024).strip()
    except OSError:
        name = b""
    if not name:
        client.close()
        continue
    members.append(client)
    threading.Thread(target=serve, args=(client, name), daemon=True).start()
