import socket

if __name__ == '__main__':
    # 创建tcp服务端套接字
    tcp_server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # 设置端口号复用,让程序退出端口号立即释放
    tcp_server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    # 绑定端口号
    tcp_server_socket.bind(("", 22006))
    # 设置监听
    tcp_server_socket.listen(128)
    print("echo server on 22006", flush=True)
    # 循环等待接收客户端的连接请求
    while True:
        new_client, ip_port = tcp_server_socket.accept()
        print("客户端的ip和端口号为:", ip_port, flush=True)
        count = 0
        while True:
            recv_data = new_client.recv(1024)
            if len(recv_data) == 0:
                print("客户端关闭了连接", ip_port, "一共收到", count, "字节", flush=True)
                break
            count += len(recv_data)
            # 原样返回 (sendall 保证全部发出)
            new_client.sendall(recv_data)
        # 关闭服务与客户端的套接字
        new_client.close()
