# 个人主页小服务器, 页面直接写在代码里  (小雨)
import socket
from threading import Thread
from urllib.parse import unquote

PAGES = {
    '/': '<html><head><meta charset="utf-8"><title>小雨的主页</title></head><body>'
         '<h1>你好,我是小雨</h1><p>这是我写的第一个网站服务器。</p>'
         '<a href="/poem">一首诗</a> <a href="/时间">时间</a></body></html>',
    '/poem': '<html><head><meta charset="utf-8"></head><body><pre>静夜思\n床前明月光,疑是地上霜。\n'
             '举头望明月,低头思故乡。</pre></body></html>',
    '/时间': '<html><head><meta charset="utf-8"></head><body>现在是上课时间</body></html>',
}
NOT_FOUND = '<html><head><meta charset="utf-8"></head><body><h1>404 找不到这个页面</h1></body></html>'


def read_head(sock):
    buf = b''
    while True:
        pos = buf.find(b'\r\n\r\n')
        if pos >= 0:
            return buf[:pos].decode('utf-8', errors='replace')
        if len(buf) > 32 * 1024:
            return ''
        block = sock.recv(2048)
        if not block:
            return ''
        buf += block


def answer(sock):
    head = read_head(sock)
    if not head:
        return
    first = head.split('\r\n')[0].split() or ['']
    if len(first) != 3 or first[0] not in ('GET', 'HEAD'):
        status, html = '400 Bad Request', '<h1>400 请求有误</h1>'
    else:
        path = unquote(first[1].split('?')[0])
        if path in PAGES:
            status, html = '200 OK', PAGES[path]
        else:
            status, html = '404 Not Found', NOT_FOUND
    # 响应行 + 响应头 + 空行 + 响应体
    response = f'HTTP/1.1 {status}\r\n'
    response += 'Content-Type: text/html; charset=utf-8\r\n'
    response += f'Content-Length: {len(html)}\r\n'
    response += 'Connection: close\r\n\r\n'
    if first[0] != 'HEAD':
        response += html
    sock.sendall(response.encode('utf-8'))


def work(sock):
    with sock:
        try:
            answer(sock)
        except ConnectionError as err:
            print('连接断了', err)


def main():
    server = socket.create_server(('', 20005), backlog=128)   # create_server 已经设置了地址复用
    print('打开浏览器访问 http://127.0.0.1:20005/')
    while True:
        sock, addr = server.accept()
        Thread(target=work, args=(sock,), daemon=True).start()


main()
