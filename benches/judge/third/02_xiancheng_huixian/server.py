# 回显服务器(多线程)
import socket
import threading


def 处理(连接, 地址):
    print('新客户', 地址)
    try:
        while True:
            数据 = 连接.recv(4096)
            if not 数据:
                break
            连接.sendall(数据)
    except OSError as 错误:
        print('客户出错', 地址, 错误)
    finally:
        连接.close()
        print('客户离开', 地址)


服务器 = socket.socket()
服务器.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
服务器.bind(('127.0.0.1', 21002))
服务器.listen(128)
print('等待连接...')
while True:
    连接, 地址 = 服务器.accept()
    线程 = threading.Thread(target=处理, args=(连接, 地址))
    线程.daemon = True
    线程.start()
