# bugs: mixed-encodings one-read-one-message dies-at-reset dies-at-refusal no-timeout
import socket

client = socket.socket()
client.connect(("192.168.131.62", 8080))
client.sendall("你好服务端".encode("gbk"))
print(client.recv(1024).decode())
client.close()
