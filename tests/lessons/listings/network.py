# Ports, sockets, clients and servers, bytes.


@listing("ports/door/1")
def _(it):
    server = it.run()["server"]
    assert port_of(server) > 1023
    connect(port_of(server))


@listing("ports/deliver/1")
def _(it):
    it.is_of("two_doors.py")
    a, b = listener(), listener()
    it.run(door_a=port_of(a), door_b=port_of(b))
    it.program("two_doors.py", port_of(a), port_of(b)).end()
    for door, word in (a, b"maths"), (b, b"music"):
        for _ in range(2):
            assert all_of(door.accept()[0]) == word


@listing("ports/client/1")
def _(it):
    port = port_of(listener_kept())
    both = [it.run(port=port) for _ in range(2)]
    first, second = [one["printed"].strip() for one in both]
    assert "127.0.0.1" in first and first != second, (first, second)


def listener_kept(kept=[]):
    kept.append(listener())
    return kept[-1]


@listing("holder/refused/1")
def _(it):
    server = listener()
    program = Program(it.code, port_of(server))
    _, error = program.process.communicate(timeout=30)
    assert error_of(error) == "OSError: [Errno 98] Address already in use", error
    line = re.findall(r"line (\d+)", error)[-1]
    assert "server.bind" in it.code.splitlines()[int(line) - 1], error
    server.close()
    Program(it.code, 0).end()


@listing("holder/addresses/1")
def _(it):
    it.run(server=socket.socket(), port=port_of(listener_kept()))


@listing("holder/all/1")
def _(it):
    port = port_of(listener_kept())
    assert number_of(fails(OSError, lambda: it.run(server=socket.socket(), port=port))) == "EADDRINUSE"


@listing("tcp/refused/1")
def _(it):
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    fails(ConnectionRefusedError, lambda: it.run(port=port_of(closed)))


@listing("tcp/handshake/1", "server/listen/1")
def _(it):
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    assert refused(port_of(server))
    it.run(server=server)
    connect(port_of(server))


def leaves_a_time_wait(server):
    """Accepts a connection and closes it before the client does, so that it is in TIME-WAIT; closes the server."""
    client = connect(port_of(server))
    conn = server.accept()[0]
    conn.close()
    assert client.recv(1) == b""
    client.close()
    server.close()


def starts_again(start, port):
    """Checks that a start without SO_REUSEADDR is refused, and that `start`, which sets it, succeeds."""
    plain = socket.socket()
    try:
        plain.bind(("127.0.0.1", port))
    except OSError as error:
        assert number_of(error) == "EADDRINUSE", error
    else:
        raise LeftOut("the kernel has reached its limit of sockets in TIME-WAIT")
    start()


@listing("tcp/restart/1")
def _(it):
    server = socket.socket()
    it.run(server=server, port=0)
    port = port_of(server)
    server.listen(128)
    leaves_a_time_wait(server)
    starts_again(lambda: it.run(server=socket.socket(), port=port), port)


@listing("socket/outlet/1")
def _(it):
    [number], _ = Program(it.code).end()
    assert int(number) > 2, number


@listing("socket/empty/1")
def _(it):
    code = it.code.splitlines()
    assert it.run(code[0], plug=socket.socket())["printed"] == "('0.0.0.0', 0)\n"
    assert number_of(fails(OSError, lambda: it.run(code[1], plug=socket.socket()))) == "ENOTCONN"


@listing("socket/three/1")
def _(it):
    server = listener()
    clients = [connect(port_of(server)) for _ in range(2)]
    names = it.run(server=server)
    three = [server, names["first"], names["second"]]
    assert len({one.fileno() for one in three}) == 3
    assert len({one.getsockname() for one in three}) == 1
    assert {one.getpeername() for one in three[1:]} == {one.getsockname() for one in clients}


@listing("socket/listening/1")
def _(it):
    server = listener()
    client = connect(port_of(server))
    client.sendall(b"hello")
    assert number_of(fails(OSError, lambda: it.run(server=server))) == "ENOTCONN"
    assert server.accept()[0].recv(1024) == b"hello"


@listing("socket/number/1")
def _(it):
    server = listener()
    client = connect(port_of(server))
    first = server.accept()[0]
    number = first.fileno()
    assert it.run(first=first)["new"].fileno() == number
    client.close()


@listing("client/create/1")
def _(it):
    client = it.run()["client"]
    assert number_of(fails(OSError, client.getpeername)) == "ENOTCONN"


@listing("client/connect/1")
def _(it):
    client, port = socket.socket(), port_of(listener_kept())
    it.run(client=client, port=port)
    assert client.getpeername() == ("127.0.0.1", port) and client.getsockname()[1] != 0


@listing("client/send/1")
def _(it):
    client, conn = pair()
    it.run(client=client)
    assert conn.recv(1024) == GREETING.encode("gbk")


@listing("client/receive/1")
def _(it):
    client, conn = pair()
    conn.sendall("收到！".encode("gbk"))
    assert it.run(client=client)["printed"] == "收到！\n"


@listing("client/close/1")
def _(it):
    client, conn = pair()
    it.run(client=client)
    assert conn.recv(1024) == b""


@listing("client/yours/1")
def _(it):
    server = listener()
    program = Program(it.code, port_of(server))
    conn = server.accept()[0]
    assert conn.recv(1024) == GREETING.encode("gbk")
    conn.sendall("收到！".encode("gbk"))
    assert conn.recv(1024) == b""
    lines, _ = program.end()
    assert lines == [repr("收到！".encode("gbk")), "收到！"], lines


@listing("server/bind/1")
def _(it):
    port = port_of(it.run(port=0)["server"])
    assert refused(port)


@listing("server/accept/1")
def _(it):
    server = listener()
    client = connect(port_of(server))
    names = it.run(server=server)
    assert names["client"] is not server and names["address"] == client.getsockname()


@listing("server/talk/1")
def _(it):
    client, conn = pair()
    client.sendall(GREETING.encode("gbk"))
    assert it.run(client=conn)["data"] == GREETING.encode("gbk")
    assert client.recv(1024) == "收到！".encode("gbk")


@listing("server/close/1")
def _(it):
    """Runs all seven steps as the text shows them, and the restart of the last step."""
    names = it.run(it.of("bind/1"), port=0)
    server = names["server"]
    port = port_of(server)
    it.run(it.of("listen/1"), server=server)
    peer = connect(port)
    conn = it.run(it.of("accept/1"), server=server)["client"]
    peer.sendall(GREETING.encode("gbk"))
    it.run(it.of("talk/1"), client=conn)
    assert peer.recv(1024) == "收到！".encode("gbk")
    it.run(client=conn, server=server)
    assert peer.recv(1024) == b""
    peer.close()
    assert refused(port)
    starts_again(lambda: it.run(it.of("bind/1"), port=port), port)


@listing("server/yours/1")
def _(it):
    free = listener()
    port = port_of(free)
    free.close()
    # Twice: the second server binds a port with a connection of the first server in TIME-WAIT.
    for _ in range(2):
        program = Program(it.code, port)
        peers = []
        until(lambda: reached(port, peers), "the server")
        peers[0].sendall(GREETING.encode("gbk"))
        assert peers[0].recv(1024) == "收到！".encode("gbk")
        assert peers[0].recv(1024) == b""
        lines, _ = program.end()
        assert lines == [str(peers[0].getsockname()), GREETING], lines
        peers[0].close()


def reached(port, peers):
    try:
        peer = connect(port)
    except ConnectionRefusedError:
        return False
    # If no program listens, TCP may connect a socket to itself.
    if peer.getsockname() == peer.getpeername():
        peer.close()
        return False
    peers.append(peer)
    return True


@listing("eof/waits/1")
def _(it):
    client, conn = pair()
    threading.Timer(0.1, client.sendall, [b"hello"]).start()
    assert it.run(conn=conn)["printed"] == "5\n"


@listing("eof/nothing/1")
def _(it):
    client, conn = pair()
    it.run(client=client)
    assert [conn.recv(1024) for _ in range(4)] == [b"again", b"", b"", b""]


@listing("eof/busy/1")
def _(it):
    it.is_of("busy.py")
    program = it.program("busy.py")
    program.connect().close()

    def turns():
        with open(f"/proc/{program.pid}/stat") as stat:
            return int(stat.read().rsplit(") ", 1)[1].split()[11])

    # The program continues to use the processor: twice it uses a tenth of a second more.
    for _ in range(2):
        before = turns()
        until(lambda: turns() >= before + 10, "processor time")


@listing("eof/busy/2")
def _(it):
    program = it.files["busy.py"]
    cure = textwrap.indent(it.code, "    ")
    cured = program.replace("    text =", f"{cure}\n    text =")
    assert cured != program
    program = Program(cured)
    program.connect().close()
    program.end()


@listing("eof/half/1")
def _(it):
    client, conn = pair()
    it.run(client=client)
    assert all_of(conn) == b"hello"
    conn.sendall(b"HELLO")
    conn.close()
    assert all_of(client) == b"HELLO"


@listing("eof/reset/1")
def _(it):
    client, conn = pair()
    it.run(client=client)
    fails(ConnectionResetError, lambda: conn.recv(1024))


@listing("bytes/together/1")
def _(it):
    client, conn = pair()
    it.run(client=client)
    until(lambda: len(conn.recv(1024, socket.MSG_PEEK)) == 12, "12 bytes")
    assert conn.recv(1024).decode() == "你好再见"


@listing("bytes/split/1")
def _(it):
    long = "a" + "好" * 600
    for text, size, encoding, says in [
        ("你好", 4, "utf-8", "unexpected end of data"),
        (long, 1024, "gbk", "incomplete multibyte sequence"),
    ]:
        server = listener()
        program = Program(it.code, port_of(server), size, encoding)
        server.accept()[0].sendall(text.encode(encoding))
        _, error = program.end(1)
        assert error.startswith("UnicodeDecodeError") and says in error, error


@listing("bytes/whole/1")
def _(it):
    client, conn = pair()
    first, *rest = [bytes([byte]) for byte in "你好".encode()]
    conn.sendall(first)
    names = it.run(client=client, text="")
    assert names["text"] == ""
    for byte in rest:
        conn.sendall(byte)
        exec(it.code.splitlines()[-1], names)
    assert names["text"] == "你好"


@listing("bytes/ends/1")
def _(it):
    client, conn = pair()
    conn.sendall("你好\n再见\n".encode())
    conn.close()
    assert it.run(client=client)["printed"].split() == ["你好", "再见"]


@listing("bytes/ends/2")
def _(it):
    client, conn = pair()
    it.run(client=client, text="你好\n再见")
    client.close()
    assert all_of(conn) == b"\0\0\0\x0d" + "你好\n再见".encode()


@listing("bytes/part/1")
def _(it):
    client, conn = pair()
    data, received = b"x" * 8_000_000, []
    lines = it.code.splitlines()
    names = it.run("\n".join(lines[:2]), client=client, data=data)
    assert 0 < names["sent"] < len(data), names["sent"]
    reader = Thread(target=lambda: received.append(len(all_of(conn))))
    reader.start()
    it.run("\n".join(lines[2:]), client=client, data=data, sent=names["sent"])
    client.close()
    reader.join()
    assert received == [len(data)], received


@listing("bad-line/pieces/1")
def _(it):
    it.is_of("once.py")
    program = it.program("once.py")
    conn = program.connect()
    conn.sendall(b"\xc4")
    _, error = program.end(1)
    assert error.startswith("UnicodeDecodeError: 'gbk'"), error


@listing("bad-line/cut/1")
def _(it):
    client, conn = pair()
    conn.sendall("你".encode())
    conn.close()
    assert it.run(client=client)["printed"] == "你\n"


@listing("bad-line/silent/1")
def _(it):
    it.is_of("patient.py")
    server = listener()
    program = it.program("patient.py", port_of(server))
    conn = server.accept()[0]
    _, error = program.end(1)
    assert error.endswith("timed out"), error
    assert all_of(conn).decode("gbk") == "你好"


@listing("encodings/bytes/1")
def _(it):
    lines, _ = Program(it.code).end()
    assert lines == [f"{len(data)} {data.hex(' ')}" for data in map(GREETING.encode, ["utf-8", "gbk"])]
    assert [line.split()[0] for line in lines] == ["21", "14"]


@listing("encodings/wrong/1")
def _(it):
    assert it.value() == "浣犲ソ"


@listing("encodings/famous/1")
def _(it):
    second = it.value(data="你".encode("gbk"))
    assert second == "\ufffd\ufffd" and second.encode().decode("gbk") == "锟斤拷"


@listing("encodings/memory/1")
def _(it):
    assert it.value() == "烫烫烫"


@listing("encodings/missing/1")
def _(it):
    lines, error = Program(it.code).end(1)
    assert lines == ["你好?"] and error.startswith("UnicodeEncodeError: 'gbk'"), (lines, error)
