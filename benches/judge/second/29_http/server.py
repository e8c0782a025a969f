"""python3 server.py PORT - serves the folder public/"""
import functools
import os
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map,
                      ".html": "text/html; charset=utf-8",
                      ".css": "text/css; charset=utf-8",
                      ".txt": "text/plain; charset=utf-8"}

    def handle(self):
        try:
            super().handle()
        except ConnectionError as e:
            self.log_message("connection lost: %s", e)


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    public = os.path.join(os.path.dirname(os.path.abspath(__file__)), "public")
    with Server(("", int(sys.argv[1])), functools.partial(Handler, directory=public)) as httpd:
        print("serving", public, flush=True)
        try:
            httpd.serve_forever()
        except KeyboardInterrupt:
            pass
