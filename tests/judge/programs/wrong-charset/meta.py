# Bug: the page says utf-8, and is GBK.
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!DOCTYPE html>
<html><head><meta charset='utf-8'><title>通讯录</title></head>
<body><h1>通讯录</h1><p>王小明</p></body></html>"""


class Pages(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/":
            self.send_error(404)
            return
        body = PAGE.encode("gbk")
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    request_queue_size = 128


Server(("", 8080), Pages).serve_forever()
