# 流量计数服务器: 客户端发任意数据, 服务器告诉它一共收到了多少字节
import socket
import threading
import time


# 处理一个客户端
def handle_client_request(service_client_socket, ip_port):
    total = 0
    try:
        while True:
            # 接收客户端的数据
            recv_data = service_client_socket.recv(1024)
            total += len(recv_data)
            # 回答
            send_content = "服务器已收到 %d 字节\n" % total
            service_client_socket.sendall(send_content.encode("utf-8"))
    except OSError as e:
        print("客户端下线了:", ip_port, e, flush=True)
    # 关闭套接字
    service_client_socket.close()


if __name__ == '__main__':
    tcp_server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # 设置端口号复用, 程序退出端口立即释放
    tcp_server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    tcp_server_socket.bind(("", 22017))
    tcp_server_socket.listen(128)
    print("等待客户端, 端口 22017", flush=True)
    while True:
        try:
            service_client_socket, ip_port = tcp_server_socket.accept()
        except OSError:
            time.sleep(0.1)
            continue
        print("客户端连接成功:", ip_port, flush=True)
        sub_thread = threading.Thread(target=handle_client_request, args=(service_client_socket, ip_port))
        # 守护主线程
        sub_thread.daemon = True
        try:
            sub_thread.start()
        except RuntimeError:
            service_client_socket.close()
