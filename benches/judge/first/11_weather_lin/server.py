# 天气查询服务器, 用selectors模块做的单线程多路复用
# 协议: 客户端发城市名(UTF-8)加换行, 服务器回一行天气
import selectors
import socket

sel = selectors.DefaultSelector()
TIANQI = {'北京': '晴 12~22度', '上海': '多云 16~24度', '广州': '阵雨 23~29度', '成都': '阴 14~19度'}


class KeHu:
    """一个客户端"""

    def __init__(self, sock, addr):
        self.sock, self.addr = sock, addr
        self.inbuf = b''
        self.outbuf = b''
        self.eof = False

    def events(self):
        ev = 0
        if not self.eof and len(self.outbuf) < 65536:
            ev |= selectors.EVENT_READ
        if self.outbuf:
            ev |= selectors.EVENT_WRITE
        return ev


def jieshou(lsock):
    sock, addr = lsock.accept()
    sock.setblocking(False)
    sel.register(sock, selectors.EVENT_READ, KeHu(sock, addr))


def guanbi(kh):
    sel.unregister(kh.sock)
    kh.sock.close()


def chuli_hang(kh, hang):
    city = hang.decode('utf-8').strip()
    if city:
        kh.outbuf += (city + ': ' + TIANQI.get(city, '没有数据') + '\n').encode('utf-8')


def chuli(kh, mask):
    try:
        if mask & selectors.EVENT_READ:
            data = kh.sock.recv(4096)
            if data:
                kh.inbuf += data
            else:
                kh.eof = True
            *lines, kh.inbuf = kh.inbuf.split(b'\n')
            if kh.eof and kh.inbuf:
                lines.append(kh.inbuf)
                kh.inbuf = b''
            for hang in lines:
                chuli_hang(kh, hang)
            if len(kh.inbuf) > 8192:
                guanbi(kh)
                return
        if kh.outbuf:
            n = kh.sock.send(kh.outbuf)
            kh.outbuf = kh.outbuf[n:]
    except BlockingIOError:
        pass
    except OSError as e:
        print(kh.addr, e)
        guanbi(kh)
        return
    if kh.events():
        sel.modify(kh.sock, kh.events(), kh)
    else:
        guanbi(kh)


lsock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
lsock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
lsock.bind(('', 20011))
lsock.listen(128)
lsock.setblocking(False)
sel.register(lsock, selectors.EVENT_READ, None)
print('天气服务器 端口20011')
while True:
    for key, mask in sel.select():
        if key.data is None:
            try:
                jieshou(lsock)
            except OSError as e:
                print('accept', e)
        else:
            chuli(key.data, mask)
