# Unit converter with socketserver:  "<number> <from> <to>", e.g. "3 km m"  ->  "3000"
import socketserver
import sys

METRES = {'mm': 0.001, 'cm': 0.01, 'm': 1, 'km': 1000, 'inch': 0.0254, 'ft': 0.3048, 'mile': 1609.344, '里': 500}


class Handler(socketserver.StreamRequestHandler):
    def setup(self):
        super().setup()
        self.count = 0

    def handle(self):
        while True:
            line = self.rfile.readline(1024)
            if not line:
                return
            if len(line) == 1024 and not line.endswith(b'\n'):
                self.wfile.write(b'line too long\n')
                return
            self.count += 1
            try:
                number, a, b = line.decode('utf-8', 'replace').split()
                result = '%g' % (float(number) * METRES[a] / METRES[b])
            except (ValueError, KeyError):
                result = 'usage: <number> <unit> <unit>; units: ' + ' '.join(METRES)
            self.wfile.write((result + '\n').encode('utf-8'))

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass
        print(self.client_address, self.count, 'questions')


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request, client_address):
        print(client_address, sys.exc_info()[1])


if __name__ == '__main__':
    with Server(('', int(sys.argv[1])), Handler) as server:
        server.serve_forever()
