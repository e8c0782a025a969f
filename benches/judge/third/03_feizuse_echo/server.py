#coding=utf-8
# 非阻塞的echo 单线程服务多个客户端
from socket import *

server = socket(AF_INET, SOCK_STREAM)
server.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
server.bind(('', 21003))
server.listen(128)
server.setblocking(False)   # 设置为非阻塞
client_list = []

while True:
    try:
        new_client, addr = server.accept()
        new_client.setblocking(False)
        print("来了一个新客户端: %s" % str(addr))
    except Exception as e:
        # 非阻塞没有客户端就会异常, 不用管, 继续
        continue

    for c in list(client_list):
        try:
            data = c.recv(1024)
            if data:
                c.sendall(data)
            else:
                client_list.remove(c)
                c.close()
        except Exception as e:
            pass

    client_list.append(new_client)
