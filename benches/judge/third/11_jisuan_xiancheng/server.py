# 整数计算器 例如 12+30
import re
import socket
import threading

模式 = re.compile(r'\s*(-?\d{1,50})\s*([+\-*/])\s*(-?\d{1,50})\s*')

def suan(shizi):
    m = 模式.fullmatch(shizi)
    if not m:
        return '格式错误'
    a, op, b = int(m.group(1)), m.group(2), int(m.group(3))
    if op == '+':
        return str(a + b)
    elif op == '-':
        return str(a - b)
    elif op == '*':
        return str(a * b)
    else:
        if b == 0:
            return '除数不能是0'
        return str(a // b)

def client(sock):
    with sock:
        try:
            while True:
                data = sock.recv(1024)
                if len(data) == 0:
                    return
                jieguo = suan(data.decode('utf-8', errors='replace'))
                sock.sendall((jieguo + '\n').encode('utf-8'))
        except ConnectionError as e:
            print('连接出错', e)

if __name__ == '__main__':
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('', 21011))
    s.listen(128)
    print('计算器在21011端口')
    while True:
        c, a = s.accept()
        threading.Thread(target=client, args=(c,), daemon=True).start()
