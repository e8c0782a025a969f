# bugs: one-read-one-message dies-at-reset dies-at-refusal no-timeout
import socket

if __name__ == '__main__':
    tcp_client_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp_client_socket.connect(("192.168.131.62", 8080))
    send_data = "你好服务端,我是客户端小黑!".encode("gbk")
    tcp_client_socket.send(send_data)
    recv_data = tcp_client_socket.recv(1024)
    print(recv_data)
    recv_content = recv_data.decode("gbk")
    print("接收服务端的数据为:", recv_content)
    tcp_client_socket.close()
