import socket
import sys

if len(sys.argv) != 2 or not sys.argv[1].isdigit():
    sys.exit("usage: python3 naive.py PORT")
server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen(128)
