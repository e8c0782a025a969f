import socket

if __name__ == '__main__':
    # 1. 创建服务端套接字对象
    tcp_server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp_server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    # 2. 绑定端口号
    tcp_server_socket.bind(("", 20007))
    # 3. 设置监听
    tcp_server_socket.listen(128)
    # 4. 等待接受客户端的连接请求
    service_client_socket, ip_port = tcp_server_socket.accept()
    print("客户端的ip和端口号:", ip_port)
    try:
        while True:
            # 5. 接收客户端的数据
            recv_data = service_client_socket.recv(1024)
            if not recv_data:
                print("客户端已断开")
                break
            print("接收数据的长度是:", len(recv_data))
            # 6. 原样发送给客户端
            service_client_socket.sendall(recv_data)
    except ConnectionError as e:
        print("连接异常:", e)
    # 7. 关闭套接字
    service_client_socket.close()
    tcp_server_socket.close()
