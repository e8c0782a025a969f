# 欢迎页面, 显示用户访问的地址
import socket
import threading
import html


def handle_client(client_socket):
    """处理一个浏览器"""
    f = client_socket.makefile('rb')
    try:
        request_line = f.readline(8192).decode('latin-1')
        if not request_line:
            return
        print(request_line.strip())
        parts = request_line.split()
        if len(parts) == 3 and parts[1] == '/':
            status = '200 OK'
            body = '<h1>欢迎光临</h1>'
        elif len(parts) == 3:
            status = '404 Not Found'
            body = '<h1>没有 %s</h1>' % html.escape(parts[1])
        else:
            status = '400 Bad Request'
            body = '<h1>看不懂的请求</h1>'
        body = body.encode('utf-8')
        response = 'HTTP/1.1 ' + status + '\r\n'
        response += 'Content-Type: text/html; charset=utf-8\r\n'
        response += 'Content-Length: %d\r\n' % len(body)
        response += 'Connection: close\r\n'
        response += '\r\n'
        client_socket.sendall(response.encode('latin-1') + body)
    except ConnectionError as e:
        print('连接断开', e)
    finally:
        f.close()
        client_socket.close()


def main():
    server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server_socket.bind(("", 21025))
    server_socket.listen(128)
    while True:
        client_socket, client_addr = server_socket.accept()
        t = threading.Thread(target=handle_client, args=(client_socket,))
        t.daemon = True
        t.start()


if __name__ == "__main__":
    main()
