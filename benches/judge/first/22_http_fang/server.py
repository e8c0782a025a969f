"""多任务静态web服务器程序"""
import os
import socket
import sys
import threading
import urllib.parse

HTML_DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'html')
LEIXING = {'.html': 'text/html; charset=utf-8', '.txt': 'text/plain; charset=utf-8'}


def zhao_wenjian(lujing):
    lujing = urllib.parse.unquote(lujing.split('?')[0])
    if lujing == '/':
        lujing = '/index.html'
    quanlu = os.path.normpath(os.path.join(HTML_DIR, lujing.lstrip('/')))
    if quanlu.startswith(HTML_DIR + '/') and '\0' not in quanlu and os.path.isfile(quanlu):
        return quanlu
    return None


def xiangying(zhuangtai, leixing, neirong, zhiyao_tou=False):
    tou = ('HTTP/1.1 {}\r\n'
           'Content-Type: {}\r\n'
           'Content-Length: {}\r\n'
           'Connection: close\r\n\r\n').format(zhuangtai, leixing, len(neirong))
    return tou.encode('utf-8') + (b'' if zhiyao_tou else neirong)


def chuli_qingqiu(sock):
    try:
        # 浏览器的请求一般不会超过4096字节
        qingqiu = sock.recv(4096).decode('utf-8', 'replace')
        if not qingqiu:
            return
        hang = qingqiu.split('\r\n')[0].split(' ')
        if len(hang) < 2:
            sock.sendall(xiangying('400 Bad Request', 'text/html', b'<h1>400 Bad Request</h1>'))
            return
        wenjian = zhao_wenjian(hang[1])
        if wenjian is None:
            sock.sendall(xiangying('404 Not Found', LEIXING['.html'], '<h1>404 页面不存在</h1>'.encode('utf-8'),
                                   hang[0] == 'HEAD'))
        else:
            with open(wenjian, 'rb') as f:
                neirong = f.read()
            leixing = LEIXING.get(os.path.splitext(wenjian)[1], 'application/octet-stream')
            sock.sendall(xiangying('200 OK', leixing, neirong, hang[0] == 'HEAD'))
    except OSError as e:
        print('连接错误', e)
    finally:
        sock.close()


def main():
    duankou = int(sys.argv[1]) if len(sys.argv) == 2 else 8080
    jianting = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    jianting.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    jianting.bind(('', duankou))
    jianting.listen(128)
    print('服务器启动,端口', duankou)
    while True:
        sock, dizhi = jianting.accept()
        xiancheng = threading.Thread(target=chuli_qingqiu, args=(sock,))
        xiancheng.daemon = True
        xiancheng.start()


if __name__ == '__main__':
    main()
