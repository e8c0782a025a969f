import selectors
import socket
import types

# echo server, selectors module, port 22027

PORT = 22027
LIMIT = 1 << 18         # stop reading while this much is waiting to be sent
sel = selectors.DefaultSelector()


def accept(lsock):
    try:
        conn, addr = lsock.accept()
    except OSError as e:
        print("accept:", e, flush=True)
        return
    conn.setblocking(False)
    data = types.SimpleNamespace(addr=addr, outb=bytearray(), eof=False)
    sel.register(conn, selectors.EVENT_READ, data=data)


def close(sock, why):
    data = sel.unregister(sock).data
    sock.close()
    print("closed", data.addr, why, flush=True)


def service(key, mask):
    sock, data = key.fileobj, key.data
    try:
        if mask & selectors.EVENT_READ:
            received = sock.recv(16384)
            if received:
                data.outb += received
            else:
                data.eof = True
        if data.outb:
            n = sock.send(data.outb)
            del data.outb[:n]
    except BlockingIOError:
        pass
    except OSError as e:
        close(sock, e)
        return
    if data.eof and not data.outb:
        close(sock, "by client")
        return
    events = 0
    if not data.eof and len(data.outb) < LIMIT:
        events |= selectors.EVENT_READ
    if data.outb:
        events |= selectors.EVENT_WRITE
    if events != key.events:
        sel.modify(sock, events, data)


def main():
    lsock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    lsock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    lsock.bind(("", PORT))
    lsock.listen(200)
    lsock.setblocking(False)
    sel.register(lsock, selectors.EVENT_READ, data=None)
    print("echo on", PORT, flush=True)
    try:
        while True:
            for key, mask in sel.select():
                if key.data is None:
                    accept(lsock)
                else:
                    service(key, mask)
    except KeyboardInterrupt:
        print("stopped")
    finally:
        sel.close()


main()
