# bugs: crashes
import socket

client = socket.socket()
client.connect(("192.168.131.62", 8080))
client.send("你好")
print(client.recv(1024))
