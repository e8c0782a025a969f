# Bug: listen(1) is short. A misspelt name raises NameError in the thread of a client that has been answered, which is another bug.
import socket
import threading


def serve(client):
    count = 0
    with client:
        try:
            while data := client.recv(4096):
                count += 1
                client.sendall(data)
        except OSError:
            pass
    if count:
        print("一共收到", cout, "次")


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(1)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
