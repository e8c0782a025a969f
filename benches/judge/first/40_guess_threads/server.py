"""Guess a number between 1 and 100. One game per connection, port 20040."""
import random
import socket
import threading
import time


class Game:
    def __init__(self):
        self.secret = random.randint(1, 100)
        self.tries = 0
        self.over = False

    def guess(self, text):
        try:
            n = int(text)
        except ValueError:
            return 'a number, please'
        self.tries += 1
        if n == self.secret:
            self.over = True
            return f'right after {self.tries} tries'
        return 'too small' if n < self.secret else 'too big'


def play(conn):
    game = Game()
    with conn, conn.makefile('rb') as lines:
        try:
            conn.sendall(b'guess a number between 1 and 100\n')
            while not game.over:
                line = lines.readline(200)
                if not line:
                    break
                conn.sendall(game.guess(line.decode('utf-8', 'replace')).encode() + b'\n')
        except OSError as e:
            print('player lost:', e)


def main():
    with socket.create_server(('', 20040), backlog=128) as server:
        while True:
            try:
                conn, _ = server.accept()
            except OSError:
                time.sleep(0.1)
                continue
            try:
                threading.Thread(target=play, args=(conn,), daemon=True).start()
            except RuntimeError:
                conn.close()


if __name__ == '__main__':
    main()
