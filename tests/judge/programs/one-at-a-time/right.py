# Right: a thread per client.
import socketserver


class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            for line in self.rfile:
                self.wfile.write("收到 ".encode() + line)
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128
    daemon_threads = True


with Server(("", 8080), Lines) as server:
    server.serve_forever()
