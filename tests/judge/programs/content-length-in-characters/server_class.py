# Bug: len(text) counts characters, and the client is sent bytes.
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        text = "<h1>学生名单</h1><p>张三，李四</p>" if self.path == "/" else "<h1>没有这个页面</h1>"
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", len(text))
        self.end_headers()
        self.wfile.write(text.encode())


class Server(ThreadingHTTPServer):
    request_queue_size = 128


Server(("", 8080), Pages).serve_forever()
