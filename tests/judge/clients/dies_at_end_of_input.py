# bugs: dies-at-server-end dies-at-reset dies-at-refusal
import socket

client = socket.create_connection(("127.0.0.1", 8080), timeout=10)
client.sendall(b"10\n")
answer = b""
while not answer.endswith(b"\n"):
    part = client.recv(16)
    if not part:
        raise EOFError("no line end")
    answer += part
print(answer)
client.close()
