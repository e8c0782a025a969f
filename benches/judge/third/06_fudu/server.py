# 复读机: 客户端说一行, 服务器重复一行
import socket
import threading


def work(conn):
    f = conn.makefile('r', encoding='utf-8', errors='replace', newline='\n')
    try:
        while True:
            line = f.readline()
            msg = '收到: ' + line.strip() + '\n'
            conn.sendall(msg.encode('utf-8'))
    except OSError:
        print('客户端断开')
    f.close()
    conn.close()


server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(('0.0.0.0', 21006))
server.listen(128)
while True:
    c, addr = server.accept()
    t = threading.Thread(target=work, args=(c,), daemon=True)
    t.start()
