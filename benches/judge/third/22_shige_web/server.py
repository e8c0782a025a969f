# 诗歌网站
import socket
import threading

PAGES = {
    '/': '<html><head><title>诗歌</title></head><body><h1>唐诗</h1>'
         '<a href="/jingyesi">静夜思</a> <a href="/chunxiao">春晓</a></body></html>',
    '/jingyesi': '<html><body><h1>静夜思</h1><p>床前明月光,疑是地上霜。</p>'
                 '<p>举头望明月,低头思故乡。</p></body></html>',
    '/chunxiao': '<html><body><h1>春晓</h1><p>春眠不觉晓,处处闻啼鸟。</p>'
                 '<p>夜来风雨声,花落知多少。</p></body></html>',
}


class WebThread(threading.Thread):
    def __init__(self, conn):
        super().__init__(daemon=True)
        self.conn = conn

    def request(self):
        data = b''
        while b'\r\n\r\n' not in data:
            part = self.conn.recv(2048)
            if not part:
                return None
            data += part
        return data.split(b'\r\n')[0].decode('latin-1').split()

    def answer(self, status, page):
        head = 'HTTP/1.1 ' + status + '\r\n'
        head += 'Content-Type: text/html; charset=utf-8\r\n'
        head += 'Content-Length: ' + str(len(page)) + '\r\n'
        head += 'Connection: close\r\n\r\n'
        self.conn.sendall((head + page).encode('utf-8'))

    def run(self):
        try:
            req = self.request()
            if req is None:
                return
            if len(req) != 3:
                self.answer('400 Bad Request', '<h1>请求不对</h1>')
            elif req[1] in PAGES:
                self.answer('200 OK', PAGES[req[1]])
            else:
                self.answer('404 Not Found', '<h1>没有找到</h1>')
        except ConnectionError:
            pass
        finally:
            self.conn.close()


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('', 21022))
listener.listen(128)
while True:
    c, _ = listener.accept()
    WebThread(c).start()
