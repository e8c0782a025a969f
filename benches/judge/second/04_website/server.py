"""Static website with threads.   python3 server.py <port>"""
import mimetypes
import os
import socket
import sys
import threading
import time

WWW = os.path.join(os.path.dirname(os.path.abspath(__file__)), "www")

REASON = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
          405: "Method Not Allowed", 431: "Request Header Fields Too Large"}


def read_head(conn):
    """read up to the empty line; returns (head, rest) or None when the client went away"""
    buf = b""
    while b"\r\n\r\n" not in buf:
        chunk = conn.recv(4096)
        if not chunk:
            return None
        buf += chunk
        if len(buf) > 65536:
            return b"", b""
    head, rest = buf.split(b"\r\n\r\n", 1)
    return head, rest


def skip_body(conn, head, rest):
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            left = int(value) - len(rest)
            while left > 0:
                chunk = conn.recv(min(left, 65536))
                if not chunk:
                    break
                left -= len(chunk)


def load(path):
    """returns (status, content type, body)"""
    if path.endswith("/"):
        path += "index.html"
    # nobody may climb out of our directory
    if ".." in path.split("/"):
        return 403, "text/plain; charset=utf-8", b"403 Forbidden\n"
    filename = os.path.join(WWW, path[1:])
    try:
        with open(filename, "rb") as f:
            body = f.read()
    except PermissionError:
        return 403, "text/plain; charset=utf-8", b"403 Forbidden\n"
    except (OSError, ValueError):
        return 404, "text/html; charset=utf-8", "<h1>404 找不到页面</h1>\n".encode("utf-8")
    ctype = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    if ctype.startswith("text/"):
        ctype += "; charset=utf-8"
    return 200, ctype, body


def respond(conn, status, ctype, body, with_body=True):
    head = "HTTP/1.1 %d %s\r\n" % (status, REASON[status])
    head += "Date: %s\r\n" % time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    head += "Content-Type: %s\r\nContent-Length: %d\r\n" % (ctype, len(body))
    if status == 405:
        head += "Allow: GET, HEAD\r\n"
    head += "Connection: close\r\n\r\n"
    conn.sendall(head.encode("ascii") + (body if with_body else b""))


def handle(conn, addr):
    try:
        got = read_head(conn)
        if got is None:
            return
        head, rest = got
        if not head:
            respond(conn, 431, "text/plain", b"too large\n")
            return
        skip_body(conn, head, rest)
        parts = head.split(b"\r\n")[0].decode("latin-1").split()
        if len(parts) != 3 or not parts[1].startswith("/"):
            respond(conn, 400, "text/plain", b"bad request\n")
        elif parts[0] not in ("GET", "HEAD"):
            respond(conn, 405, "text/plain", b"only GET and HEAD\n")
        else:
            status, ctype, body = load(parts[1].split("?")[0])
            print(addr[0], parts[0], parts[1], status, flush=True)
            respond(conn, status, ctype, body, parts[0] == "GET")
    except OSError as e:
        print(addr, e, flush=True)
    finally:
        conn.close()


def main():
    port = int(sys.argv[1])
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(128)
    print("http://127.0.0.1:%d/" % port, flush=True)
    while True:
        try:
            conn, addr = listener.accept()
        except OSError as e:
            print(e, flush=True)
            time.sleep(0.1)
            continue
        try:
            threading.Thread(target=handle, args=(conn, addr), daemon=True).start()
        except RuntimeError:
            conn.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
