# Bug: HTTP/1.1 keeps the connection open, and without Content-Length a client can't know where the page ends.
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write("欢迎".encode() if self.path == "/" else "没有这个页面".encode())


class Server(ThreadingHTTPServer):
    request_queue_size = 128


Server(("", 8080), Pages).serve_forever()
