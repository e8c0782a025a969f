# -*- coding: gbk -*-
# 英汉小词典, GBK编码, 每行查一个词
import socketserver

词典 = {'apple': '苹果', 'book': '书', 'computer': '计算机', 'network': '网络',
      '苹果': 'apple', '书': 'book', '计算机': 'computer', '网络': 'network'}


class 查词(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            for 行 in self.rfile:
                词 = 行.decode('gbk', errors='replace').strip()
                结果 = 词典.get(词.lower(), '没有这个词')
                self.wfile.write((结果 + '\r\n').encode('gbk'))
        except ConnectionError as e:
            print('断开', self.client_address, e)


class 服务器(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == '__main__':
    with 服务器(('127.0.0.1', 21028), 查词) as s:
        s.serve_forever()
