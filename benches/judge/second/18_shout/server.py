# Shouting server: sends everything back IN CAPITALS.  usage: server.py PORT
# Works on bytes, so UTF-8 passes through untouched.
import select
import socket
import sys


class ShoutServer:
    def __init__(self, port):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("", port))
        self.listener.listen(128)
        self.listener.setblocking(False)
        self.out = {}

    def serve_forever(self):
        while True:
            readers = [s for s, data in self.out.items() if len(data) < 65536]
            if len(self.out) < 900:
                readers.append(self.listener)
            writers = [s for s, data in self.out.items() if data]
            r, w, _ = select.select(readers, writers, [])
            for s in r:
                if s is self.listener:
                    self.accept()
                else:
                    self.read(s)
            for s in w:
                if s in self.out:
                    self.write(s)

    def accept(self):
        try:
            s, addr = self.listener.accept()
        except OSError as e:
            print("accept", e, flush=True)
            return
        print("hello", addr, flush=True)
        s.setblocking(False)
        self.out[s] = b""

    def read(self, s):
        try:
            data = s.recv(1024)
        except BlockingIOError:
            return
        except OSError as e:
            self.bye(s, e)
            return
        if data:
            self.out[s] += data.upper()

    def write(self, s):
        try:
            n = s.send(self.out[s])
        except BlockingIOError:
            return
        except OSError as e:
            self.bye(s, e)
            return
        self.out[s] = self.out[s][n:]

    def bye(self, s, why):
        print("bye", why, flush=True)
        del self.out[s]
        s.close()


if __name__ == "__main__":
    ShoutServer(int(sys.argv[1])).serve_forever()
