"""A static web server with a thread for every connection: Python's `http.server`.

The idea: `ThreadingHTTPServer` is the `socketserver` of python_threads.py; a handler reads a request, and calls the
method of its name, `do_GET`. `SimpleHTTPRequestHandler` has a `do_GET` that sends a file. `python3 -m http.server`
runs the same classes.

Similar portlab model: `threads`.

What blocks: only the client's own thread, in reading a request, reading the file and sending. But only one thread at a
time runs Python code (the GIL).

What a connection costs: a thread and a descriptor. Per request the parser of e-mails, which reads the head; opening the
file; a copy of its bytes through Python, 64 KiB at a time.

What breaks first: the GIL. http.server is for tests: its own page says not to use it in production.

Run it: python3 python_http_server.py 9090 FOLDER
"""

import functools
import http.server
import signal
import sys


class Files(http.server.SimpleHTTPRequestHandler):
    """Sends the files of one folder."""

    # With the default, HTTP/1.0, the connection is closed after each response.
    protocol_version = "HTTP/1.1"
    # Head and body of a response are two writes. Nagle's algorithm would delay the second one until the client has
    # acknowledged the first, and a client delays that by 40 ms.
    disable_nagle_algorithm = True

    def handle(self):
        try:
            super().handle()
        except OSError:
            # The client has closed or reset the connection while it was served.
            pass

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass

    def log_message(self, *_):
        # The usual line for each request would be half of the cost.
        pass


class Server(http.server.ThreadingHTTPServer):
    # How many connections may wait to be accepted. socketserver's default of 5 is too small for a load test.
    request_queue_size = 1024


def main():
    # SIGTERM does what Ctrl-C does in Python: it raises KeyboardInterrupt in the main thread.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    files = functools.partial(Files, directory=sys.argv[2])
    try:
        with Server(("127.0.0.1", int(sys.argv[1])), files) as server:
            server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
