#!/usr/bin/python3
# One process per visitor.  Usage: ./server.py 8000
import os, signal, socket, sys, time
from urllib.parse import unquote, urlsplit

here = os.path.dirname(os.path.realpath(__file__))
docroot = os.path.join(here, "html")

mime = dict(html="text/html; charset=utf-8", css="text/css; charset=utf-8",
            js="text/javascript; charset=utf-8", txt="text/plain; charset=utf-8",
            png="image/png", gif="image/gif", jpg="image/jpeg", ico="image/x-icon")


def get_request(s):
    """returns the request head as text, or '' if the browser left before sending all of it"""
    raw = b""
    while True:
        end = raw.find(b"\r\n\r\n")
        if end >= 0:
            break
        if len(raw) > 100000:
            return ""
        more = s.recv(8192)
        if more == b"":
            return ""
        raw += more
    head = raw[:end].decode("iso-8859-1")
    # read away a body if there is one
    rest = len(raw) - end - 4
    for h in head.split("\r\n")[1:]:
        k, _, v = h.partition(":")
        if k.lower() == "content-length" and v.strip().isdigit():
            while rest < int(v):
                more = s.recv(8192)
                if not more:
                    break
                rest += len(more)
    return head


def find_file(url):
    path = unquote(urlsplit(url).path) if not url.startswith("//") else unquote(url)
    f = os.path.realpath(docroot + "/" + path.replace("\0", "?"))
    if os.path.isdir(f):
        f = os.path.join(f, "index.html")
    if f.startswith(docroot + "/") and os.path.isfile(f):
        return f
    return None


def reply(s, code, ctype, body, send_body=True):
    h = [f"HTTP/1.1 {code}", "Server: forkweb", f"Content-Type: {ctype}",
         f"Content-Length: {len(body)}", "Connection: close", "", ""]
    s.sendall("\r\n".join(h).encode() + (body if send_body else b""))


def child(s):
    head = get_request(s)
    if not head:
        return
    first = head.split("\r\n")[0].split(" ")
    if len(first) < 3 or not first[1].startswith("/"):
        return reply(s, "400 Bad Request", mime["txt"], b"What?\n")
    if first[0] not in ("GET", "HEAD"):
        return reply(s, "405 Method Not Allowed\r\nAllow: GET, HEAD", mime["txt"], b"No.\n")
    want_body = first[0] == "GET"
    f = find_file(first[1])
    if f is None:
        # nice error page
        with open(os.path.join(docroot, "error.html"), "rb") as page:
            return reply(s, "200 OK", mime["html"], page.read(), want_body)
    with open(f, "rb") as page:
        body = page.read()
    reply(s, "200 OK", mime.get(f.rsplit(".", 1)[-1], "application/octet-stream"), body, want_body)


def main(port):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)   # kernel reaps the children
    ls = socket.socket()
    ls.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    ls.bind(("", port))
    ls.listen(256)
    while True:
        try:
            s, peer = ls.accept()
        except OSError:
            time.sleep(.1)
            continue
        try:
            pid = os.fork()
        except OSError:
            s.close()
            continue
        if pid == 0:
            ls.close()
            try:
                child(s)
            except OSError as err:
                print(peer, err, file=sys.stderr)
            finally:
                s.close()
                os._exit(0)
        s.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
