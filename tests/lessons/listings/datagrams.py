# UDP.


def mailbox():
    box = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    box.bind(("127.0.0.1", 0))
    box.settimeout(30)
    return box


def both_free():
    """Returns a listening socket at a port whose number is free for UDP."""
    while True:
        server, udp = listener(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError), udp:
            udp.bind(server.getsockname())
            return server


@listing("udp/same/1")
def _(it):
    server = both_free()
    udp = it.run(port=port_of(server))["udp"]
    mailbox().sendto(b"music", server.getsockname())
    connect(port_of(server)).sendall(b"maths")
    assert (udp.recv(1024), server.accept()[0].recv(1024)) == (b"music", b"maths")
    assert number_of(fails(OSError, lambda: it.run(port=port_of(server)))) == "EADDRINUSE"


@listing("udp/two/1")
def _(it):
    server = ("127.0.0.1", int(it.program("post.py").line()))
    clients = [mailbox(), mailbox()]
    for client, word in zip(clients, [b"maths", b"music"]):
        client.sendto(word, server)
    assert [client.recv(1024) for client in clients] == [b"MATHS", b"MUSIC"]


@listing("udp/whole/1")
def _(it):
    server = mailbox()
    it.run(client=mailbox(), address=server.getsockname())
    received = [server.recvfrom(size)[0] for size in (1024, 4, 1024, 1024)]
    assert received == ["你好".encode(), "再见".encode()[:4], b"", b"end"], received


@listing("udp/closed/1")
def _(it):
    closed = mailbox()
    # It keeps the port, and receives from itself only.
    closed.connect(closed.getsockname())
    client = mailbox()
    assert it.run(client=client, port=port_of(closed))["sent"] == 5
    assert silent(client)
    client.connect(closed.getsockname())
    client.send(b"hello")
    fails(ConnectionRefusedError, lambda: client.recv(1024))


@listing("udp/lost/1")
def _(it):
    [line], _ = it.program("flood.py").end()
    received, _, rest = line.partition(" ")
    assert 0 < int(received) < 1000 and rest == "of 1000 received", line


@listing("udp/again/1")
def _(it):
    server = mailbox()
    program = it.program("order.py", port_of(server))
    first = server.recvfrom(1024)
    again, client = server.recvfrom(1024)
    assert first == (again, client) and again == b"order 7: one ticket"
    server.sendto(b"ticket 2", client)
    *silences, answer = program.end()[0]
    assert set(silences) == {"no answer"} and answer == "ticket 2", (silences, answer)
