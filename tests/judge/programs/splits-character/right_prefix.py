# Right: one incremental decoder per client; each part of a text is answered at once, behind a prefix.
import codecs
import socket
import threading


def work(client):
    decoder = codecs.getincrementaldecoder("gbk")(errors="replace")
    try:
        while data := client.recv(1024):
            text = decoder.decode(data)
            if text:
                client.sendall(("你说了" + text).encode("gbk", errors="replace"))
    except OSError:
        pass
    finally:
        client.close()


server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(("127.0.0.1", 8080))
server.listen(128)
while True:
    client, address = server.accept()
    threading.Thread(target=work, args=(client,), daemon=True).start()
