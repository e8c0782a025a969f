# Bug: TCPServer serves one client at a time; ThreadingTCPServer serves all.
import socketserver


class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write("收到 ".encode() + line)


class Server(socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 128


with Server(("", 8080), Lines) as server:
    server.serve_forever()
