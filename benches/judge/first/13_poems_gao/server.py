"""
每日一诗服务器
命令:
    LIST          列出所有诗名
    GET 诗名       返回诗的内容
    ONLINE        返回累计的来访人数
每条命令一行, 回答也是一行
"""
import socket
import threading

shi = {
    '静夜思': '床前明月光,疑是地上霜。举头望明月,低头思故乡。',
    '登鹳雀楼': '白日依山尽,黄河入海流。欲穷千里目,更上一层楼。',
    '春晓': '春眠不觉晓,处处闻啼鸟。夜来风雨声,花落知多少。',
}

visitors = {}       # 来访记录:  (ip, port) -> 套接字


def huida(line):
    cmd, _, arg = line.partition(' ')
    cmd = cmd.upper()
    if cmd == 'LIST':
        return ' '.join(shi)
    elif cmd == 'GET':
        return shi.get(arg.strip(), '没有这首诗')
    elif cmd == 'ONLINE':
        return str(len(visitors))
    return '不认识的命令'


def fuwu(sock, addr):
    buf = b''
    try:
        while True:
            data = sock.recv(1024)
            if not data:
                if buf:
                    sock.sendall((huida(buf.decode('utf-8', 'replace').strip()) + '\n').encode('utf-8'))
                break
            buf += data
            while b'\n' in buf:
                line, buf = buf.split(b'\n', 1)
                sock.sendall((huida(line.decode('utf-8', 'replace').strip()) + '\n').encode('utf-8'))
            if len(buf) > 10000:
                break
    except OSError as e:
        print(addr, '异常:', e)
    print(addr, '离开了')


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    server.bind(('', 20013))
    server.listen(128)
    print('每日一诗, 端口 20013')
    while True:
        sock, addr = server.accept()
        visitors[addr] = sock
        print('第%d位来访者 %s' % (len(visitors), addr))
        t = threading.Thread(target=fuwu, args=(sock, addr))
        t.daemon = True
        t.start()


if __name__ == '__main__':
    main()
