"""Little library: a web server for a folder of texts.

    python3 server.py 8080
"""
import argparse
import mimetypes
import pathlib
import socket
import threading
import time
import urllib.parse

FOLDER = (pathlib.Path(__file__).parent / "files").resolve()


def receive_head(conn):
    data = bytearray()
    while b"\r\n\r\n" not in data:
        block = conn.recv(2048)
        if not block:
            return None
        data.extend(block)
        if len(data) > 2 ** 16:
            return None
    head, _, extra = bytes(data).partition(b"\r\n\r\n")
    # a request body is not used, but it has to be read
    for line in head.lower().split(b"\r\n")[1:]:
        if line.startswith(b"content-length:"):
            try:
                rest = int(line[15:]) - len(extra)
            except ValueError:
                return None
            while rest > 0:
                block = conn.recv(min(rest, 65536))
                if not block:
                    return None
                rest -= len(block)
    return head.decode("latin-1")


def make_answer(head):
    words = head.split("\r\n")[0].split(" ")
    status, ctype, body = "200 OK", "text/plain; charset=utf-8", b""
    if len(words) != 3:
        status, body = "400 Bad Request", b"bad request\n"
    elif words[0] not in ("GET", "HEAD"):
        status, body = "501 Not Implemented", b"not implemented\n"
    else:
        path = urllib.parse.unquote(words[1].partition("?")[0]).lstrip("/")
        try:
            file = (FOLDER / (path or "index.html")).resolve()
            file.relative_to(FOLDER)
            body = file.read_bytes()
            ctype = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            if ctype.startswith("text/"):
                ctype += "; charset=utf-8"
        except (OSError, ValueError):
            status, body = "404 Not Found", b"no such text\n"
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {ctype}",
             f"Content-Length: {len(body)}", "Connection: close", "", ""]
    answer = "\r\n".join(lines).encode()
    return answer if words[0] == "HEAD" else answer + body


def visitor(conn, addr):
    # nobody may hold a thread for ever
    conn.settimeout(60)
    with conn:
        try:
            head = receive_head(conn)
            if head is not None:
                conn.send(make_answer(head))
        except OSError as e:        # timeouts too
            print(addr, e, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    port = parser.parse_args().port
    with socket.create_server(("", port), backlog=128) as server:
        print("library open at port", port, flush=True)
        while True:
            try:
                conn, addr = server.accept()
            except OSError as e:
                print(e, flush=True)
                time.sleep(0.2)
                continue
            try:
                threading.Thread(target=visitor, args=(conn, addr), daemon=True).start()
            except RuntimeError:
                conn.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("closed")
