# Bug: handle_request serves one client; serve_forever would serve all.
import socketserver


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(4096):
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128


with Server(("", 8080), Echo) as server:
    server.handle_request()
