# Right: an incremental decoder per client keeps half a character for the next read.
import codecs
import socket
import threading


def serve(client):
    decoder = codecs.getincrementaldecoder("gbk")("replace")
    with client:
        while True:
            try:
                data = client.recv(1024)
                client.sendall(decoder.decode(data, final=not data).encode("gbk", "replace"))
            except OSError:
                break
            if not data:
                break


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("", 8080))
server.listen(128)
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
