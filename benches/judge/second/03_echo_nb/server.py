# 单进程非阻塞回显服务器 (不用 select)
import socket

# 1. 创建套接字
tcp_server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
tcp_server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
# 2. 绑定
tcp_server_socket.bind(("", 22003))
# 3. 监听
tcp_server_socket.listen(128)
# 4. 设置为非阻塞
tcp_server_socket.setblocking(False)

# 每个客户端: [套接字, 还没有发出去的数据, 对方是否已经关闭]
client_list = []

print("回显服务器(非阻塞) 22003", flush=True)

while True:
    try:
        new_socket, new_addr = tcp_server_socket.accept()
    except BlockingIOError:
        # 没有新的客户端到来
        pass
    except OSError as e:
        print("accept:", e, flush=True)
    else:
        print("新客户端:", new_addr, flush=True)
        new_socket.setblocking(False)
        client_list.append([new_socket, b"", False])

    for client in list(client_list):
        sock, pending, eof = client
        try:
            # 对方没有读走我们的数据之前, 不再继续收
            if not eof and len(pending) < 65536:
                try:
                    data = sock.recv(4096)
                except BlockingIOError:
                    pass
                else:
                    if data:
                        pending += data
                    else:
                        eof = True
            if pending:
                try:
                    n = sock.send(pending)
                    pending = pending[n:]
                except BlockingIOError:
                    pass
        except OSError as e:
            print("客户端异常断开:", e, flush=True)
            sock.close()
            client_list.remove(client)
            continue
        client[1] = pending
        client[2] = eof
        if eof and not pending:
            sock.close()
            client_list.remove(client)
            print("客户端离开, 还有", len(client_list), "个", flush=True)
