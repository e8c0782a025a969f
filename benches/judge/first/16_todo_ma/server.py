# A to-do list service. Every client has its own list while it is connected.
#   add <text>    -> ok <number of items>
#   list          -> items, separated by "; "   (or "empty")
#   clear         -> ok 0
import socketserver


class TodoHandler(socketserver.StreamRequestHandler):
    items = []          # the to-do list of this client

    def handle(self):
        while True:
            raw = self.rfile.readline(5000)
            if not raw:
                break
            text = raw.decode('utf-8', 'replace').strip()
            command, _, rest = text.partition(' ')
            if command == 'add' and rest:
                self.items.append(rest)
                answer = 'ok %d' % len(self.items)
            elif command == 'list':
                answer = '; '.join(self.items) or 'empty'
            elif command == 'clear':
                self.items.clear()
                answer = 'ok 0'
            else:
                answer = 'error: add <text> | list | clear'
            self.wfile.write(answer.encode('utf-8') + b'\n')


class TodoServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        print('lost', client_address)


if __name__ == '__main__':
    with TodoServer(('', 20016), TodoHandler) as server:
        print('to-do service on port 20016')
        server.serve_forever()
