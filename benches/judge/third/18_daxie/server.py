# 大写服务器
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 21018))
s.listen(128)
print('服务器启动了...')
while True:
    conn, addr = s.accept()      # 等待电话
    print('客户端来了', addr)
    while True:                  # 通话循环
        try:
            data = conn.recv(1024)
            if not data:
                break
            conn.sendall(data.upper())
        except ConnectionError:
            break
    conn.close()
