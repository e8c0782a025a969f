# Bug: the loop reads from one client until it leaves; the others wait.
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    print(addr, "上线")
    try:
        while True:
            data = client.recv(1024)
            if not data:
                break
            client.sendall(data)
    except OSError as error:
        print("出错：", error)
    client.close()
