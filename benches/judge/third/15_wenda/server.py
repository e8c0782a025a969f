# -*- coding: gbk -*-
# 问答服务器, 客户端是Windows的命令行, 所以用GBK编码
import socket
import threading

答案 = {'你好': '你好,很高兴认识你', '你是谁': '我是问答机器人', '再见': '下次再聊'}


def 服务(客户):
    缓冲 = b''
    try:
        while True:
            数据 = 客户.recv(1024)
            if not 数据:
                break
            缓冲 += 数据
            *各行, 缓冲 = 缓冲.split(b'\n')
            for 一行 in 各行:
                问题 = 一行.decode('gbk', 'replace').strip()
                print('问题:', 问题)
                回答 = 答案.get(问题, '我不知道什么是' + 问题)
                客户.sendall((回答 + '\r\n').encode())
    except ConnectionError as 原因:
        print(原因)
    finally:
        客户.close()


if __name__ == '__main__':
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', 21015))
    s.listen(128)
    while True:
        c, a = s.accept()
        threading.Thread(target=服务, args=(c,), daemon=True).start()
