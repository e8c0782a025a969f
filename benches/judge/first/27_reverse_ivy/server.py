# Reverse service: every line comes back the other way round.
# Single thread with select.  Ivy, port 20027
import select
import socket


class Peer:
    def __init__(self, sock, addr):
        self.sock = sock
        self.addr = addr
        self.inbox = b''
        self.outbox = b''

    def fileno(self):           # so that select() can take a Peer
        return self.sock.fileno()


def reverse(line):
    return line.decode('utf-8', 'replace').rstrip('\r')[::-1].encode('utf-8') + b'\n'


class ReverseServer:
    def __init__(self, port):
        self.server = socket.create_server(('', port), backlog=128)
        self.server.setblocking(False)
        self.peers = []

    def accept(self):
        try:
            sock, addr = self.server.accept()
        except OSError:
            return
        sock.setblocking(False)
        self.peers.append(Peer(sock, addr))
        print(addr, 'connected,', len(self.peers), 'clients now')

    def receive(self, peer):
        data = peer.sock.recv(1024)
        peer.inbox += data
        while b'\n' in peer.inbox:
            line, _, peer.inbox = peer.inbox.partition(b'\n')
            peer.outbox += reverse(line)
        if len(peer.inbox) > 100000:
            raise ValueError('line too long')

    def transmit(self, peer):
        n = peer.sock.send(peer.outbox)
        peer.outbox = peer.outbox[n:]

    def step(self):
        want_read = [self.server] + [p for p in self.peers if len(p.outbox) < 100000]
        want_write = [p for p in self.peers if p.outbox]
        can_read, can_write, _ = select.select(want_read, want_write, [])
        for who in can_read:
            if who is self.server:
                self.accept()
            else:
                self.safely(self.receive, who)
        for who in can_write:
            if who in self.peers:
                self.safely(self.transmit, who)

    def safely(self, action, peer):
        try:
            action(peer)
        except BlockingIOError:
            pass
        except (OSError, ValueError) as e:
            print(peer.addr, 'removed:', e)
            self.peers.remove(peer)
            peer.sock.close()


if __name__ == '__main__':
    rs = ReverseServer(20027)
    while True:
        rs.step()
