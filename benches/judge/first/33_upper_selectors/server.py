# 大写服务器: UTF-8文本变成大写. selectors, 单线程, 端口 20033
import codecs
import selectors
import socket
import time

LIMIT = 128 * 1024


class Session:
    def __init__(self, sel, sock):
        self.sel, self.sock = sel, sock
        self.decoder = codecs.getincrementaldecoder('utf-8')('replace')    # 汉字可能被分成两次收到
        self.out = bytearray()
        self.at_end = False
        self.mask = selectors.EVENT_READ
        sel.register(sock, self.mask, self)

    def ready(self, mask):
        try:
            if mask & selectors.EVENT_READ:
                data = self.sock.recv(4096)
                self.at_end = not data
                self.out += self.decoder.decode(data, final=self.at_end).upper().encode('utf-8')
            if self.out:
                sent = self.sock.send(self.out)
                del self.out[:sent]
        except BlockingIOError:
            pass
        except OSError:
            return self.close()
        mask = 0
        if not self.at_end and len(self.out) < LIMIT:
            mask |= selectors.EVENT_READ
        if self.out:
            mask |= selectors.EVENT_WRITE
        if mask == 0:
            self.close()
        elif mask != self.mask:
            self.mask = mask
            self.sel.modify(self.sock, mask, self)

    def close(self):
        self.sel.unregister(self.sock)
        self.sock.close()


def main():
    sel = selectors.DefaultSelector()
    lst = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    lst.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    lst.bind(('', 20033))
    lst.listen(128)
    lst.setblocking(False)
    sel.register(lst, selectors.EVENT_READ)
    while True:
        for key, mask in sel.select():
            if key.data is not None:
                key.data.ready(mask)
                continue
            try:
                sock, _ = lst.accept()
            except BlockingIOError:
                continue
            except OSError as e:
                print('accept:', e)
                time.sleep(0.05)
                continue
            sock.setblocking(False)
            Session(sel, sock)


if __name__ == '__main__':
    main()
