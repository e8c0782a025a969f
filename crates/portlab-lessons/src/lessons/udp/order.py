import socket
import sys

port = int(sys.argv[1])
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect(("127.0.0.1", port))
client.settimeout(0.5)
while True:
    client.send(b"order 7: one ticket")
    try:
        print(client.recv(1024).decode())
        break
    except socket.timeout:
        print("no answer")
