# 猜数字游戏服务器 (1~100)
# 杨帆   端口 20020
import random
import socket
import threading


def youxi(conn, addr):
    """一个玩家一局游戏"""
    secret = random.randint(1, 100)
    cishu = 0
    reader = conn.makefile('rb')
    try:
        conn.sendall('我想了一个1到100的数, 猜猜看\n'.encode('utf-8'))
        while True:
            guess = reader.readline(100).decode('utf-8', 'replace').strip()
            if not guess.isdecimal():
                conn.sendall('请输入一个数字\n'.encode('utf-8'))
                continue
            cishu += 1
            n = int(guess)
            if n < secret:
                conn.sendall('小了\n'.encode('utf-8'))
            elif n > secret:
                conn.sendall('大了\n'.encode('utf-8'))
            else:
                conn.sendall('猜对了! 一共猜了{}次\n'.format(cishu).encode('utf-8'))
                break
    except OSError as e:
        print(addr, '玩家跑了', e)
    finally:
        reader.close()
        conn.close()
        print(addr, '游戏结束')


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind(('', 20020))
server.listen(128)
print('猜数字游戏开始了')
while True:
    conn, addr = server.accept()
    print('玩家', addr)
    threading.Thread(target=youxi, args=(conn, addr), daemon=True).start()
