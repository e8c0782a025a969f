import os
import socket
import sys
import threading
from urllib.parse import unquote


class WebServer:
    def __init__(self, port, folder="static"):
        self.folder = os.path.realpath(folder)
        self.server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        self.server.bind(("127.0.0.1", port))
        self.server.listen(128)
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}/"

    def start(self):
        while True:
            client, address = self.server.accept()
            thread = threading.Thread(target=self.serve, args=(client,), daemon=True)
            thread.start()

    def serve(self, client):
        with client:
            request = b""
            while b"\r\n\r\n" not in request and len(request) < 65536:
                data = client.recv(4096)
                if not data:
                    return
                request += data
            words = request.decode(errors="replace").split(" ")
            if len(words) >= 2:
                client.sendall(self.response_to(words[1].split("?")[0]))

    def response_to(self, path):
        try:
            with open(self.name_of(path), "rb") as file:
                status, body = "200 OK", file.read()
        except (OSError, ValueError):
            status, body = "404 Not Found", b"no such page\n"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def name_of(self, path):
        if path == "/":
            path = "/index.html"
        name = os.path.realpath(self.folder + unquote(path))
        if os.path.commonpath([self.folder, name]) != self.folder:
            raise PermissionError(name)
        return name


def port_in(words):
    if len(words) != 2 or not words[1].isdecimal():
        return None
    port = int(words[1])
    return port if port <= 65535 else None


def main():
    port = port_in(sys.argv)
    if port is None:
        sys.exit("usage: python3 web.py PORT (a number from 0 to 65535)")
    try:
        server = WebServer(port)
    except OSError as error:
        sys.exit(f"port {port}: {error.strerror}")
    print(server.url)
    server.start()


if __name__ == "__main__":
    main()
