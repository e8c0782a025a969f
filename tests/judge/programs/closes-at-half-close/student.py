# Bug: at the client's FIN the socket is closed, with the answer still in the queue.
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
            if sock not in outputs:
                outputs.append(sock)
        else:
            if sock in outputs:
                outputs.remove(sock)
            inputs.remove(sock)
            del queues[sock]
            sock.close()
    for sock in writable:
        if sock not in queues:
            continue
        try:
            queues[sock] = queues[sock][sock.send(queues[sock]) :]
        except OSError:
            queues[sock] = b""
        if not queues[sock]:
            outputs.remove(sock)
