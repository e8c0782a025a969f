import socket
import sys

door_a, door_b = int(sys.argv[1]), int(sys.argv[2])
for word, port in [("maths", door_a), ("music", door_b)]:
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect(("127.0.0.1", port))
    client.send(word.encode())
    client.close()
