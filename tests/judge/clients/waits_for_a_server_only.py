# bugs: no-connect
import socket

server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
server.accept()
