# 和Windows上的"网络调试助手"聊天的自动回复机器人
# 网络调试助手发过来的是GBK编码的中文, 一行一句
# 宋佳  2024/5/11
import socket
import threading

REPLY = {
    '你好': '你好,我是机器人小宋',
    '你是谁': '我是用Python写的服务器',
    '天气': '今天天气不错',
    '再见': '再见,欢迎下次再来',
}


class Robot(threading.Thread):
    def __init__(self, sock, ip_port):
        threading.Thread.__init__(self)
        self.daemon = True
        self.sock = sock
        self.ip_port = ip_port

    def reply(self, line):
        content = line.decode('gbk', 'replace').strip()
        print(self.ip_port, '说:', content)
        answer = REPLY.get(content, '我听不懂: ' + content)
        self.sock.sendall((answer + '\r\n').encode())
        return content != '再见'

    def run(self):
        # 把收到的数据攒起来, 有换行才算一句话
        buffer = b''
        go_on = True
        try:
            while go_on:
                data = self.sock.recv(1024)
                if not data:
                    if buffer:
                        self.reply(buffer)
                    break
                buffer += data
                while go_on and b'\n' in buffer:
                    line, buffer = buffer.split(b'\n', 1)
                    go_on = self.reply(line)
                if len(buffer) > 65536:
                    break
        except OSError as e:
            print(self.ip_port, e)
        finally:
            self.sock.close()
            print(self.ip_port, '断开连接')


if __name__ == '__main__':
    server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    server_socket.bind(('', 20021))
    server_socket.listen(128)
    print('机器人上线, 等待连接...')
    while True:
        new_socket, ip_port = server_socket.accept()
        Robot(new_socket, ip_port).start()
