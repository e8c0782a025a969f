# Bug: socketserver sets SO_REUSEADDR only if the class asks for it.
import socketserver


class Hello(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            for line in self.rfile:
                self.wfile.write(line)
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = 128
    daemon_threads = True


Server(("", 8080), Hello).serve_forever()
