# 迷你博客 (http.server)
# 彭宇  学号 2022117
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

ARTICLES = {
    'socket': ('套接字入门', '套接字就像电话的插座,插上就可以通话。'),
    'thread': ('线程和进程', '进程是资源分配的单位,线程是CPU调度的单位。'),
}
PAGE = '<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>'


class Blog(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    timeout = 60

    def do_GET(self):
        path = unquote(urlsplit(self.path).path).strip('/')
        if path == '':
            items = ''.join('<li><a href="/%s">%s</a></li>' % (k, v[0]) for k, v in ARTICLES.items())
            self.page(200, '彭宇的博客', '<ul>' + items + '</ul>')
        elif path in ARTICLES:
            title, text = ARTICLES[path]
            self.page(200, title, '<p>' + text + '</p><a href="/">返回</a>')
        else:
            self.page(404, '找不到', '没有这篇文章')

    do_HEAD = do_GET

    def page(self, code, title, body):
        data = PAGE.format(title=title, body=body).encode('utf-8')
        self.send_response(code)
        self.send_header('Content-Type', 'text/html; charset=gb2312')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(data)


class BlogServer(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request, client_address):
        print('出错:', client_address, sys.exc_info()[1])


if __name__ == '__main__':
    server = BlogServer(('', int(sys.argv[1])), Blog)
    print('博客地址 http://127.0.0.1:%s/' % sys.argv[1])
    server.serve_forever()
