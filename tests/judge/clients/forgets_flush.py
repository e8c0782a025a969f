# bugs: sends-nothing
import socket

client = socket.create_connection(("127.0.0.1", 8080))
lines = client.makefile("rw")
lines.write("hello\n")
print(lines.readline())
