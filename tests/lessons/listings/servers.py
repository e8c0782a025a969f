# Serving many clients, and whole programs.


@listing("iterative/first/1")
def _(it):
    it.is_of("iterative.py")
    program = it.program("iterative.py")
    port = int(program.line())
    first, second = connect(port), connect(port)
    second.sendall(b"hello")
    assert silent(second)
    first.close()
    assert second.recv(1024) == b"hello"


def echo(client):
    while data := client.recv(1024):
        client.sendall(data)
    client.close()


@listing("iterative/threads/1")
def _(it):
    server = listener()
    Thread(target=lambda: it.run(server=server, serve=echo), daemon=True).start()
    first, second = connect(port_of(server)), connect(port_of(server))
    second.sendall(b"hello")
    assert second.recv(1024) == b"hello" and silent(first, 0.01)


@listing("pool/full/1", "pool/timeout/1")
def _(it):
    it.is_of("pool.py")
    program = it.program("pool.py")
    port = int(program.line())
    since = time.monotonic()
    quiet = [connect(port) for _ in range(2)]
    third = connect(port)
    third.sendall(b"hello")
    assert third.recv(1024) == b"hello"
    assert time.monotonic() - since >= 0.5
    assert [one.recv(1) for one in quiet] == [b"", b""]


@listing("event-loop/hundred/1", "event-loop/blocks/1")
def _(it):
    it.is_of("loop.py")
    program = it.program("loop.py")
    port = int(program.line())
    clients = [connect(port) for _ in range(5)]
    assert len(program.threads()) == 1
    since = time.monotonic()
    for client in clients:
        client.sendall(b"hello")
    assert all(client.recv(1024) == b"hello" for client in clients)
    assert time.monotonic() - since >= 1.0


def echoes(program):
    """Connects three clients to an echo server that has printed its port. Each gets its word back."""
    port = int(program.line())
    clients = [connect(port) for _ in range(3)]
    for number, client in enumerate(clients):
        client.sendall(f"hello {number}".encode())
    for number, client in enumerate(clients):
        assert client.recv(1024) == f"hello {number}".encode()
    return clients


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(child) for child in children.read().split()]


def lives(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return state_of(pid) != "Z"
    return False


@listing("poll/list/1")
def _(it):
    it.is_of("poll.py")
    program = it.program("poll.py")
    first, second, _ = echoes(program)
    assert len(program.threads()) == 1
    first.close()
    second.sendall(b"again")
    assert second.recv(1024) == b"again"


@listing("poll/epoll/1")
def _(it):
    changed = it.files["poll.py"].replace("select.poll()", "select.epoll()").replace("POLLIN", "EPOLLIN")
    for line in it.code.splitlines():
        assert line in changed.splitlines(), line
    echoes(Program(changed))


@listing("poll/limit/1")
def _(it):
    it.is_of("limit.py")
    lines, _ = it.program("limit.py").end()
    answers = dict(line.split(": ", 1) for line in lines)
    assert answers.pop("1024 select").startswith("filedescriptor out of range"), lines
    assert answers == {"1023 select": "[1023]", "1023 poll": "[(1023, 1)]", "1024 poll": "[(1024, 1)]"}, lines


@listing("prefork-loop/family/1", "prefork-loop/quiet/1")
def _(it):
    it.is_of("prefork.py")
    program = it.program("prefork.py")
    clients = echoes(program)
    # The first workers may answer before the last one is forked.
    until(lambda: len(children_of(program.pid)) == 3, "three workers")
    workers = children_of(program.pid)
    # A worker that is killed is replaced, and the program serves on.
    os.kill(workers[0], signal.SIGKILL)
    until(lambda: len(set(children_of(program.pid)) - set(workers)) == 1, "a new worker")
    port = clients[0].getpeername()[1]
    newcomer = connect(port)
    newcomer.sendall(b"again")
    assert newcomer.recv(1024) == b"again"
    # The workers end with their parent.
    workers = children_of(program.pid)
    program.process.kill()
    until(lambda: not any(map(lives, workers)), "the end of the workers")


@listing("coroutines/turns/1")
def _(it):
    lines, _ = Program(it.code).end()
    assert lines == ["A 1", "B 1", "A 2", "B 2", "A 3", "B 3"], lines


@listing("coroutines/steps/1")
def _(it):
    lines, _ = Program(it.code).end()
    assert lines[0] == "called" and lines[-1] == "next: the end", lines
    assert lines[1:-1] == ["soup on the fire", "next: simmers", "soup gets salt", "send: simmers again", "soup is done"], lines
    # Without a second argument, `next` fails at the end.
    _, error = Program(it.code.replace(', "the end"', "")).end(1)
    assert error == "StopIteration", error


@listing("coroutines/switch/1")
def _(it):
    lines, _ = Program(it.code).end()
    assert lines == ["A 1", "B 1", "A 2", "B 2", "A 3", "B 3", "main"], lines


@listing("coroutines/blocks/1")
def _(it):
    answer = it.run()["answer"]

    async def five():
        return await asyncio.gather(*[answer(number) for number in range(5)])

    since = time.monotonic()
    assert asyncio.run(five()) == list(range(5))
    assert time.monotonic() - since >= 1.0


def a_hundred_wait_together(it, file):
    it.is_of(file)
    program = it.program(file)
    answers, ms = map(int, program.line().split())
    # One after another, they would take 20,000 ms.
    assert answers == 100 and 200 <= ms < 10_000, (answers, ms)
    assert len(program.threads()) == 1
    program.process.stdin.write("\n")
    program.end()


@listing("coroutines/asyncio/1", "coroutines/asyncio/2")
def _(it):
    a_hundred_wait_together(it, "tasks.py")


@listing("coroutines/gevent/1", "coroutines/gevent/2")
def _(it):
    a_hundred_wait_together(it, "green.py")


@listing("stacks/gevent/1")
def _(it):
    assert it.code.strip() == it.files["rude.py"].strip()
    rude = it.program("rude.py")
    _, errors = rude.process.communicate(timeout=30)
    blocked = [line for line in errors.splitlines() if line.endswith("appears to be blocked")]
    assert blocked and all(": rude>" in line for line in blocked), errors


@listing("chat/join/1")
def _(it):
    pairs = [pair() for _ in range(3)]
    clients = [conn for _, conn in pairs]
    text = "ming: 大家好\r\n"
    encodings = ["utf-8", "gbk", "utf-8"]
    it.run(clients=clients, sender=clients[2], text=text, encoding=dict(zip(clients, encodings)))
    received = [peer.recv(1024) for peer, _ in pairs[:2]]
    assert received == [text.encode("utf-8"), text.encode("gbk")], received
    assert silent(pairs[2][0], 0.1)


@listing("chat/naive/1")
def _(it):
    it.is_of("room.py")
    program = it.program("room.py")
    port = int(program.line())
    members = []
    for _ in range(3):
        members.append(connect(port))
        assert program.line() == "joined"
    wang, hong, ming = members
    ming.sendall(b"hello\n")
    assert [wang.recv(1024), hong.recv(1024)] == [b"hello\n"] * 2
    # wang's client stops reading; ming's client sends as long as the kernel takes bytes.
    received = bytearray()
    Thread(target=lambda: [received.extend(data) for data in iter(lambda: hong.recv(65536), b"")], daemon=True).start()
    ming.setblocking(False)
    sent, more = 0, b"x" * 4096
    taken = time.monotonic()

    def is_stuck():
        nonlocal sent, taken
        with contextlib.suppress(BlockingIOError):
            while True:
                sent += ming.send(more)
                taken = time.monotonic()
        # The room is stuck if its thread sleeps although bytes are missing. A slow room runs, or has delivered all.
        is_quiet = time.monotonic() - taken > 0.5
        return is_quiet and program.threads() == ["S"] and len(received) < sent

    until(is_stuck, "a room that waits for wang's client")
    Thread(target=lambda: all_of(wang), daemon=True).start()
    until(lambda: len(received) == sent, "the missing bytes at hong's client")


def answer_to(port, request):
    client = connect(port)
    client.sendall(request)
    return all_of(client)


def start_web(it):
    program = it.program("web.py", "/proc/sys/kernel")
    return int(program.line())


@listing("http/browser/1")
def _(it):
    it.is_of("web.py")
    path_of = it.run()["path_of"]
    assert path_of("GET / HTTP/1.1\r\n\r\n") == "/"
    assert path_of("") is None and path_of("GET") is None


@listing("http/length/1")
def _(it):
    page = "<h1>你好，浏览器！</h1>\n"
    length = int(it.run(page=page)["head"].split(": ")[1])
    cut = page.encode()[:length]
    assert length == len(page) and "</h1>" not in cut.decode(errors="replace")


@listing("http/length/2")
def _(it):
    it.is_of("web.py")
    body = "<h1>你好，浏览器！</h1>\n".encode()
    head = it.run(status="200 OK", body=body)["head"]
    assert head == f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"


@listing("http/path/1")
def _(it):
    it.is_of("web.py")
    port = start_web(it)
    assert answer_to(port, b"GET /ostype HTTP/1.1\r\n\r\n").endswith(b"\r\n\r\nLinux\n")
    # After each request, the server still answers the next request.
    for request, answer in [
        (b"GET /nothing HTTP/1.1\r\n\r\n", b"HTTP/1.1 404"),
        (b"GET /a\0b HTTP/1.1\r\n\r\n", b"HTTP/1.1 404"),
        (b"GET /\xff HTTP/1.1\r\n\r\n", b"HTTP/1.1 404"),
        (b"GET\r\n\r\n", b""),
    ]:
        assert answer_to(port, request).startswith(answer), request
    connect(port).close()
    reset = connect(port)
    reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reset.close()
    assert answer_to(port, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")


@listing("http/outside/1")
def _(it):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/static")
        with open(f"{folder}/secret", "w") as secret:
            secret.write("secret")
        os.chdir(folder)
        with it.value(path="/../secret") as file:
            assert file.read() == b"secret"
        os.chdir("/")
    leaked = answer_to(start_web(it), b"GET /../../self/status HTTP/1.1\r\n\r\n")
    assert b"\r\n\r\nName:" in leaked
