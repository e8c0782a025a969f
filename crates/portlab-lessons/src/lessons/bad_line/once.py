import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
server.listen(128)
print(server.getsockname()[1])
conn, address = server.accept()
data = conn.recv(1024)
print(data.decode("gbk"))
