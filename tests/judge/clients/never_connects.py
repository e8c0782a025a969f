# bugs: no-connect
import socket
import time

client = socket.socket()
print("连接之前")
time.sleep(600)
client.connect(("127.0.0.1", 8080))
