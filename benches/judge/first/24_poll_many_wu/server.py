# 非阻塞方式实现单进程多客户端服务器
# 功能: 客户端发一行字, 服务器返回"收到: 内容"
# 吴迪
import socket
import time

tcp_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
tcp_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
tcp_socket.bind(('', 20024))
tcp_socket.listen(128)
tcp_socket.setblocking(False)

client_socket_list = list()
recv_buf = dict()


def send_to(client_socket, data):
    """非阻塞套接字的sendall会抛异常,所以临时改成阻塞,最多等5秒"""
    client_socket.settimeout(5)
    client_socket.sendall(data)
    client_socket.setblocking(False)


def deal_client(client_socket):
    data = client_socket.recv(1024)
    if not data:
        if recv_buf[client_socket]:
            send_to(client_socket, '收到: '.encode('utf-8') + recv_buf[client_socket] + b'\n')
        client_socket_list.remove(client_socket)
        del recv_buf[client_socket]
        client_socket.close()
        return
    recv_buf[client_socket] += data
    while b'\n' in recv_buf[client_socket]:
        line, recv_buf[client_socket] = recv_buf[client_socket].split(b'\n', 1)
        send_to(client_socket, '收到: '.encode('utf-8') + line + b'\n')


print('等待客户端...')
while True:
    time.sleep(0.01)        # 不要把CPU占满
    try:
        # 把正在排队的客户端都接进来
        while True:
            new_socket, new_addr = tcp_socket.accept()
            print('新客户端:', new_addr)
            new_socket.setblocking(False)
            client_socket_list.append(new_socket)
            recv_buf[new_socket] = b''
        # 再看看每个客户端有没有数据
        for client_socket in client_socket_list[:]:
            deal_client(client_socket)
    except Exception:
        # 非阻塞没有数据的时候会产生异常, 不用处理
        pass
