# 收发分离的回显服务器: 收线程把数据放进队列, 发线程从队列里取
import queue
import socket
import threading


class Session:
    def __init__(self, conn):
        self.conn = conn
        self.q = queue.Queue()

    def start(self):
        threading.Thread(target=self.receiver, daemon=True).start()
        threading.Thread(target=self.sender, daemon=True).start()

    def receiver(self):
        try:
            while True:
                data = self.conn.recv(4096)
                if not data:
                    break
                self.q.put(data)
        except OSError:
            pass
        self.q.join()           # 等发线程发完
        self.conn.close()

    def sender(self):
        while True:
            data = self.q.get()
            try:
                self.conn.sendall(data)
            except OSError:
                pass
            self.q.task_done()


server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 21026))
server.listen(128)
while True:
    c, addr = server.accept()
    print(addr, '线程数', threading.active_count())
    Session(c).start()
