import socket

for word, port in [("maths", 40231), ("music", 35107)]:
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect(("127.0.0.1", port))
    client.send(word.encode())
    client.close()
