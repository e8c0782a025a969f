# epoll版回显服务器
import socket
import select


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(('', 21007))
    server.listen(128)

    epoll = select.epoll()
    epoll.register(server.fileno(), select.EPOLLIN)
    fd_dict = {}   # 文件描述符 -> 套接字

    while True:
        events = epoll.poll()
        for fd, event in events:
            if fd == server.fileno():
                new_socket, addr = server.accept()
                epoll.register(new_socket.fileno(), select.EPOLLIN)
                fd_dict[new_socket.fileno()] = new_socket
            else:
                try:
                    data = fd_dict[fd].recv(1024)
                    if data:
                        fd_dict[fd].sendall(data)
                except ConnectionError:
                    data = b''
                if not data:
                    # 客户端关闭了
                    fd_dict[fd].close()
                    epoll.unregister(fd)
                    del fd_dict[fd]


if __name__ == '__main__':
    main()
