# bugs: crashes
import socket

client = socket.create_connection(("127.0.0.1", 8080), timeout=10)
client.sendall("你好".encode())
data = client.recv(1024)
print(date.decode())
