"""A small chat room.

The first line a client sends is its nickname, every following line goes to everybody else.
One thread reads from the client, a second one writes to it, so that one slow
client can't hold up the others.
"""
import queue
import socket
import sys
import threading

lock = threading.Lock()
members = {}            # Client -> nickname


class Client:
    def __init__(self, conn):
        self.conn = conn
        self.outbox = queue.Queue(maxsize=1000)

    def say(self, text):
        try:
            self.outbox.put_nowait(text.encode('utf-8') + b'\n')
        except queue.Full:
            pass                # too slow, loses a message

    def writer(self):
        while True:
            message = self.outbox.get()
            try:
                self.conn.sendall(message)
            except OSError:
                pass
            self.outbox.task_done()

    def reader(self):
        nick = None
        try:
            with self.conn.makefile('rb') as lines:
                while True:
                    raw = lines.readline(2000)
                    if not raw:
                        break
                    line = raw.decode('utf-8', 'replace').rstrip('\r\n')
                    if nick is None:
                        nick = line or 'nobody'
                        with lock:
                            members[self] = nick
                        self.say('Welcome ' + nick)
                        broadcast(self, '* %s has joined' % nick)
                    else:
                        broadcast(self, '<%s> %s' % (nick, line))
        except OSError:
            pass
        finally:
            with lock:
                members.pop(self, None)
            self.outbox.join()          # what is still waiting goes out first
            self.conn.close()
            if nick is not None:
                broadcast(self, '* %s has left' % nick)


def broadcast(sender, text):
    with lock:
        others = [m for m in members if m is not sender]
    for m in others:
        m.say(text)


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(('0.0.0.0', port))
    server.listen(128)
    print('chat room open on port', port)
    while True:
        conn, addr = server.accept()
        print('connection from', addr)
        c = Client(conn)
        threading.Thread(target=c.writer, daemon=True).start()
        threading.Thread(target=c.reader, daemon=True).start()


if __name__ == '__main__':
    main()
