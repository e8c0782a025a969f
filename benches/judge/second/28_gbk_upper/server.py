# 大写转换服务器 - 网络调试助手用 GBK 编码
# 收到的 GBK 文字变成大写再用 GBK 发回去
# python3 server.py 端口
import codecs
import socketserver
import sys


class UpperHandler(socketserver.BaseRequestHandler):
    def setup(self):
        # 增量解码器: 半个汉字会留到下一次
        self.decoder = codecs.getincrementaldecoder("gbk")(errors="replace")

    def reply(self, text):
        if text:
            # 只改英文字母, 拼音字母 ā á 等的大写不在 GBK 里
            text = "".join(c.upper() if c.isascii() else c for c in text)
            self.request.sendall(text.encode("gbk", errors="replace"))

    def handle(self):
        print("客户端", self.client_address, flush=True)
        try:
            while True:
                data = self.request.recv(1024)
                if not data:
                    self.reply(self.decoder.decode(b"", final=True))
                    break
                self.reply(self.decoder.decode(data))
        except OSError as e:
            print(self.client_address, e, flush=True)

    def finish(self):
        print("离开", self.client_address, flush=True)


class UpperServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    with UpperServer(("", int(sys.argv[1])), UpperHandler) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
