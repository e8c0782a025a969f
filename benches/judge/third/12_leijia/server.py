# 累加器: add 数字 / sum / clear
import socketserver


class AddHandler(socketserver.StreamRequestHandler):
    numbers = []      # 这个客户加过的数

    def handle(self):
        for line in self.rfile:
            words = line.decode('utf-8', 'replace').split()
            if not words:
                self.say('请输入命令')
            elif words[0] == 'add' and len(words) == 2:
                try:
                    self.numbers.append(int(words[1]))
                    self.say('ok')
                except ValueError:
                    self.say('不是数字')
            elif words[0] == 'sum':
                self.say(str(sum(self.numbers)))
            elif words[0] == 'clear':
                self.numbers.clear()
                self.say('ok')
            else:
                self.say('未知命令')

    def say(self, text):
        self.wfile.write((text + '\n').encode('utf-8'))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


with Server(('127.0.0.1', 21012), AddHandler) as server:
    server.serve_forever()
