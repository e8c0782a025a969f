# Right: bytes that are no text are replaced.
import selectors
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
buffers = {}
with selectors.DefaultSelector() as selector:
    selector.register(server, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            sock = key.fileobj
            if sock is server:
                client, addr = server.accept()
                buffers[client] = b""
                selector.register(client, selectors.EVENT_READ)
                continue
            try:
                data = sock.recv(4096)
            except OSError:
                data = b""
            buffers[sock] += data
            while b"\n" in buffers[sock]:
                line, buffers[sock] = buffers[sock].split(b"\n", 1)
                text = line.decode("utf-8", "replace")
                try:
                    sock.sendall(f"你说的是 {text}\n".encode())
                except OSError:
                    data = b""
            if not data:
                selector.unregister(sock)
                del buffers[sock]
                sock.close()
