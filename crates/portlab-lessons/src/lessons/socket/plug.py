import socket

plug = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
print(plug.fileno())
