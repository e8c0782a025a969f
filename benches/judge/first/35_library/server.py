# 图书馆静态网站, 用标准库 http.server
import functools
import os
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

BOOKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'books')


class Handler(SimpleHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    timeout = 30
    extensions_map = {'': 'application/octet-stream', '.html': 'text/html; charset=utf-8',
                      '.txt': 'text/plain; charset=utf-8', '.css': 'text/css; charset=utf-8'}

    def translate_path(self, path):
        return super().translate_path(path).replace('\0', '')      # 文件名里不能有\0

    def list_directory(self, path):
        self.send_error(404, 'File not found')
        return None

    def log_message(self, fmt, *args):
        print(self.client_address[0], fmt % args)


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request, client_address):
        print('连接中断', client_address, sys.exc_info()[1])


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 20035
    Server(('', port), functools.partial(Handler, directory=BOOKS)).serve_forever()


if __name__ == '__main__':
    main()
