# 聊天室  每个人一个线程
import socket, threading

members = []

def broadcast(me, msg):
    for m in members:
        if m is not me:
            m.sendall(msg)

def recv_line(conn, buf):
    # 收到一整行为止
    while b'\n' not in buf:
        try:
            d = conn.recv(1024)
        except ConnectionError:
            return None, b''
        if not d:
            return None, b''
        buf += d
    line, rest = buf.split(b'\n', 1)
    return line, rest

def talk(conn, addr):
    buf = b''
    name = ('%s:%d' % addr).encode()
    try:
        while True:
            line, buf = recv_line(conn, buf)
            if line is None:
                print(addr, '退出聊天室')
                break
            broadcast(conn, name + b' ' + line + b'\n')
    finally:
        conn.close()

def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', 21005))
    s.listen(128)
    while True:
        conn, addr = s.accept()
        members.append(conn)
        print(addr, '进入聊天室, 现在', len(members), '人')
        threading.Thread(target=talk, args=(conn, addr), daemon=True).start()

if __name__ == '__main__':
    main()
