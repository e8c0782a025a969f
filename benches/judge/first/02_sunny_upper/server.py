#!/usr/bin/env python3
# Upper-case server with select(). Whatever you type comes back in capitals (ASCII letters only).
# Port: 20002
import select
import socket

PORT = 20002
MAX_PENDING = 256 * 1024      # don't read more from somebody who doesn't read our answers


def run():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('0.0.0.0', PORT))
    listener.listen(128)
    listener.setblocking(False)
    print('upper-case server on port', PORT)

    pending = {}        # socket -> bytes that still have to go out
    finished = set()    # sockets whose client has said everything

    def drop(sock):
        pending.pop(sock, None)
        finished.discard(sock)
        sock.close()

    while True:
        readers = [listener] + [s for s in pending if s not in finished and len(pending[s]) < MAX_PENDING]
        writers = [s for s in pending if pending[s]]
        readable, writable, _ = select.select(readers, writers, [])

        for s in readable:
            if s is listener:
                try:
                    conn, addr = listener.accept()
                except BlockingIOError:
                    continue
                conn.setblocking(False)
                pending[conn] = b''
                print('+', addr)
            else:
                data = s.recv(4096)
                if data:
                    pending[s] += data.upper()
                elif pending[s]:
                    finished.add(s)     # answer first, then close
                else:
                    drop(s)

        for s in writable:
            if s not in pending:
                continue
            sent = s.send(pending[s])
            pending[s] = pending[s][sent:]
            if not pending[s] and s in finished:
                drop(s)


if __name__ == '__main__':
    try:
        run()
    except KeyboardInterrupt:
        print('bye')
