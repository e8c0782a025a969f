# web server with select.poll, single thread
# python3 server.py PORT
import os
import select
import socket
import sys
import urllib.parse

BASE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pages"))

content_types = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
                 ".txt": "text/plain; charset=utf-8", ".svg": "image/svg+xml"}

poller = select.poll()
conns = {}          # fd -> socket
inbox = {}          # fd -> bytes received so far
outbox = {}         # fd -> bytes still to be sent


def response(status, ctype, body, head=False):
    text = "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
        status, ctype, len(body))
    return text.encode() + (b"" if head else body)


def build(head):
    words = head.split(b"\r\n")[0].decode("latin-1").split(" ")
    if len(words) != 3 or not words[1].startswith("/"):
        return response("400 Bad Request", "text/plain", b"bad request\n")
    if words[0] not in ("GET", "HEAD"):
        return response("501 Not Implemented", "text/plain", b"GET only\n")
    path = urllib.parse.unquote(words[1].split("?")[0])
    if "\0" in path:
        return response("400 Bad Request", "text/plain", b"bad request\n")
    if path.endswith("/"):
        path += "index.html"
    full = os.path.realpath(os.path.join(BASE, path.lstrip("/")))
    if not full.startswith(BASE + os.sep):
        return response("403 Forbidden", "text/plain", b"forbidden\n")
    with open(full, "rb") as f:
        body = f.read()
    ext = os.path.splitext(full)[1]
    return response("200 OK", content_types.get(ext, "application/octet-stream"), body,
                    words[0] == "HEAD")


def forget(fd):
    poller.unregister(fd)
    conns.pop(fd).close()
    inbox.pop(fd, None)
    outbox.pop(fd, None)


def readable(fd):
    try:
        data = conns[fd].recv(8192)
    except BlockingIOError:
        return
    except ConnectionError:
        forget(fd)
        return
    if not data:
        forget(fd)          # left before the request was complete
        return
    inbox[fd] += data
    if b"\r\n\r\n" in inbox[fd]:
        outbox[fd] = build(inbox[fd].split(b"\r\n\r\n")[0])
        poller.modify(fd, select.POLLOUT)
    elif len(inbox[fd]) > 65536:
        outbox[fd] = response("431 Request Header Fields Too Large", "text/plain", b"too large\n")
        poller.modify(fd, select.POLLOUT)


def writable(fd):
    try:
        n = conns[fd].send(outbox[fd])
    except BlockingIOError:
        return
    except ConnectionError:
        forget(fd)
        return
    outbox[fd] = outbox[fd][n:]
    if not outbox[fd]:
        forget(fd)


def main():
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen(128)
    listener.setblocking(False)
    poller.register(listener, select.POLLIN)
    while True:
        for fd, event in poller.poll():
            if fd == listener.fileno():
                try:
                    s, _ = listener.accept()
                except OSError as e:
                    print(e, flush=True)
                    continue
                s.setblocking(False)
                conns[s.fileno()] = s
                inbox[s.fileno()] = b""
                poller.register(s, select.POLLIN)
            elif fd not in conns:
                continue
            elif event & select.POLLIN:
                readable(fd)
            elif event & select.POLLOUT:
                writable(fd)
            else:
                forget(fd)


if __name__ == "__main__":
    main()
