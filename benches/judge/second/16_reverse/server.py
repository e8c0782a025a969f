# Reverse server with select(): every line comes back reversed.
#   hello -> olleh        port 22016
import select
import socket

HOST = "0.0.0.0"
PORT = 22016
MAX_CLIENTS = 900      # select() cannot watch more than 1024 descriptors

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((HOST, PORT))
listener.listen(128)
listener.setblocking(False)

incoming = {}       # socket -> bytes without a newline yet
outgoing = {}       # socket -> bytes to be sent
finished = set()    # sockets whose client has sent everything


def reverse(line):
    text = line.rstrip(b"\r").decode("utf-8", "backslashreplace")
    return text[::-1].encode("utf-8") + b"\n"


def remove(s):
    del incoming[s]
    del outgoing[s]
    finished.discard(s)
    s.close()


def read(s):
    data = s.recv(4096)
    if data == b"":
        if incoming[s]:
            outgoing[s] += reverse(incoming[s])
            incoming[s] = b""
        finished.add(s)
        return
    incoming[s] += data
    while b"\n" in incoming[s]:
        line, incoming[s] = incoming[s].split(b"\n", 1)
        outgoing[s] += reverse(line)
    if len(incoming[s]) > 65536:
        outgoing[s] += b"line too long\n"
        incoming[s] = b""
        finished.add(s)


print("reverse server on port", PORT, flush=True)
while True:
    rlist = [s for s in incoming if s not in finished and len(outgoing[s]) < 100000]
    if len(incoming) < MAX_CLIENTS:
        rlist.append(listener)
    wlist = [s for s in outgoing if outgoing[s]]
    readable, writable, _ = select.select(rlist, wlist, [])
    for s in readable:
        if s is listener:
            try:
                conn, addr = listener.accept()
            except OSError as e:
                print("accept:", e, flush=True)
                continue
            conn.setblocking(False)
            incoming[conn] = b""
            outgoing[conn] = b""
        else:
            read(s)
    for s in writable:
        sent = s.send(outgoing[s])
        outgoing[s] = outgoing[s][sent:]
    for s in list(finished):
        if not outgoing[s]:
            remove(s)
