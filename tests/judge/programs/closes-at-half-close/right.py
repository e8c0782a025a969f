# Right: at the client's FIN the rest of the answer is sent first.
import select
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
server.setblocking(False)
inputs, outputs, queues = [server], [], {}
while True:
    readable, writable, _ = select.select(inputs, outputs, [])
    for sock in readable:
        if sock is server:
            client, addr = server.accept()
            client.setblocking(False)
            inputs.append(client)
            queues[client] = b""
            continue
        try:
            data = sock.recv(1024)
        except OSError:
            data = b""
        if data:
            queues[sock] += data
        else:
            inputs.remove(sock)
        if sock not in outputs:
            outputs.append(sock)
    for sock in writable:
        if sock not in queues:
            continue
        try:
            queues[sock] = queues[sock][sock.send(queues[sock]) :]
        except OSError:
            queues[sock] = b""
        if not queues[sock]:
            outputs.remove(sock)
            if sock not in inputs:
                del queues[sock]
                sock.close()
