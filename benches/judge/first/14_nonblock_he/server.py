# 单进程单线程 非阻塞 回显服务器
import socket

HOST, PORT = '', 20014

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((HOST, PORT))
server.listen(128)
server.setblocking(False)       # 监听套接字设为非阻塞

client_list = []                # 所有的客户端套接字
to_send = {}                    # 每个客户端没有发完的数据
ended = set()                   # 已经发完请求的客户端


def leave(client):
    client_list.remove(client)
    to_send.pop(client)
    ended.discard(client)
    client.close()


while True:
    try:
        client, addr = server.accept()
    except BlockingIOError:
        pass        # 没有新的客户端
    except OSError as e:
        print('accept', e)
    else:
        print('来了一个新客户端', addr)
        client.setblocking(False)
        client_list.append(client)
        to_send[client] = b''

    for client in list(client_list):
        # 收
        if client not in ended and len(to_send[client]) < 65536:
            try:
                data = client.recv(1024)
            except BlockingIOError:
                pass    # 这个客户端没有数据
            except OSError:
                leave(client)
                continue
            else:
                if data:
                    to_send[client] += data
                else:
                    ended.add(client)
        # 发
        if to_send[client]:
            try:
                n = client.send(to_send[client])
                to_send[client] = to_send[client][n:]
            except BlockingIOError:
                pass
            except OSError:
                leave(client)
                continue
        if client in ended and not to_send[client]:
            print('客户端走了')
            leave(client)
