import socket
import threading

# 大写转换服务端 —— 网络调试助手用的是gbk, 所以收发都用gbk编码


def handle_client(client_socket, ip_port):
    print('客户端的ip和端口号为:', ip_port)
    try:
        while True:
            # 接收客户端的数据, 这次接收的最大字节数是1024
            recv_data = client_socket.recv(1024)
            if len(recv_data) == 0:
                print('客户端下线了:', ip_port)
                break
            recv_content = recv_data.decode('gbk', 'ignore')
            print('接收客户端的数据为:', recv_content[:40])
            # 把字母变成大写再发回去
            send_content = recv_content.upper()
            client_socket.sendall(send_content.encode('gbk', 'ignore'))
    except OSError as e:
        print(ip_port, '异常', e)
    finally:
        # 终止和客户端服务
        client_socket.close()


if __name__ == '__main__':
    tcp_server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # 设置端口号复用，让程序退出端口号立即释放
    tcp_server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    tcp_server_socket.bind(('', 20004))
    # 128: 最大等待建立连接的个数
    tcp_server_socket.listen(128)
    while True:
        service_client_socket, ip_port = tcp_server_socket.accept()
        # 当客户端和服务端建立连接成功，创建子线程
        t = threading.Thread(target=handle_client, args=(service_client_socket, ip_port), daemon=True)
        t.start()
