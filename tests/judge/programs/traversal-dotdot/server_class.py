# Bug: os.path.join keeps "..".
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pages(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            with open(self.file_name(), "rb") as file:
                status, body = 200, file.read()
        except (OSError, ValueError):
            status, body = 404, "<h1>没有这个页面</h1>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def file_name(self):
        name = self.path.lstrip("/") or "index.html"
        return os.path.join("static", name)


class Server(ThreadingHTTPServer):
    request_queue_size = 128


Server(("", 8080), Pages).serve_forever()
