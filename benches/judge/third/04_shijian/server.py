# 时间服务器
# 协议: 客户端发一个字母  t 时间  d 日期  w 星期 , 服务器回答以后断开
import select
import socket
import time

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 21004))
s.listen(128)
inputs = [s]
while 1:
    rs, _, _ = select.select(inputs, [], [])
    for r in rs:
        if r == s:
            c, a = s.accept()
            inputs.append(c)
            continue
        inputs.remove(r)
        try:
            data = r.recv(1024)
        except ConnectionError:
            r.close()
            continue
        code = chr(data[0])
        if code == 't':
            answer = time.strftime('%H:%M:%S')
        elif code == 'd':
            answer = time.strftime('%Y-%m-%d')
        elif code == 'w':
            answer = '星期' + '一二三四五六日'[time.localtime().tm_wday]
        else:
            answer = '不认识的命令'
        try:
            r.sendall((answer + '\r\n').encode('utf-8'))
        except ConnectionError:
            print('客户端断开了')
        r.close()
