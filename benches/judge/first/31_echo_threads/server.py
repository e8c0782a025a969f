# 多线程回显服务器  端口20031
import socket
import threading
import time


class EchoServer:
    def __init__(self, host, port):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((host, port))
        self.sock.listen(128)

    def client(self, conn, addr):
        total = 0
        try:
            while True:
                data = conn.recv(4096)
                if not data:        # 对方不再发送
                    break
                conn.sendall(data)
                total += len(data)
        except OSError as e:
            print(addr, '异常断开:', e)
        finally:
            conn.close()
            print(addr, '结束, 共', total, '字节')

    def run(self):
        print('回显服务器已启动')
        while True:
            try:
                conn, addr = self.sock.accept()
            except OSError as e:
                print('accept失败:', e)     # 例如打开的文件太多
                time.sleep(0.1)
                continue
            try:
                threading.Thread(target=self.client, args=(conn, addr), daemon=True).start()
            except RuntimeError as e:
                print('线程太多:', e)
                conn.close()


if __name__ == '__main__':
    EchoServer('', 20031).run()
