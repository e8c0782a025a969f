# The web servers.

PAGE = "<h1>你好，浏览器！</h1>"


def page_of(port, path="/"):
    """Requests a page as browsers do. Returns the status and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest("GET", path)
    connection.endheaders()
    response = connection.getresponse()
    return response.status, response.read().decode()


def port_in(program):
    """The port in the URL that the program prints."""
    return int(program.line().rstrip("/").rsplit(":", 1)[1])


@listing("web-page/url/1")
def _(it):
    lines, _ = Program(it.code, "http://127.0.0.1:8080/news/today.html?page=2#end").end()
    assert lines == ["http 127.0.0.1 8080", "/news/today.html page=2 end"], lines


@listing("web-page/fixed/1", "web-page/yours/1")
def _(it):
    program = Program(it.code, 0)
    port = port_in(program)
    for path in "/", "/nothing.html":
        assert page_of(port, path) == (200, PAGE)
        assert program.line() == f"GET {path} HTTP/1.1"
        while program.line():
            pass
        program.line()


@listing("web-page/blank/1")
def _(it):
    peer, conn = pair()
    it.run(client=conn, body=PAGE.encode())
    conn.close()
    received = all_of(peer)
    assert PAGE.encode() in received and b"\r\n\r\n" not in received, received


@contextlib.contextmanager
def site_folder():
    """A folder with a site, as `portlab lesson web-site --save` writes it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in "static/index.html", "static/news.html", "static/error.html", "static-old/plan.txt", "secret.txt":
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            with open(f"{folder}/{name}", "w") as file:
                file.write(name)
        yield folder


@listing("web-site/pages/1", "web-site/empty/1", "web-site/outside/1")
def _(it):
    with site_folder() as folder:
        program = it.program("first.py", 0, cwd=folder)
        port = port_in(program)
        for path, page in [
            ("/", (200, "static/index.html")),
            ("/news.html", (200, "static/news.html")),
            ("/nothing.html", (404, "static/error.html")),
            ("/../secret.txt", (200, "secret.txt")),
            ("-old/plan.txt", (200, "static-old/plan.txt")),
        ]:
            assert page_of(port, path) == page, path
        connect(port).close()
        _, error = program.end(1)
        assert error == "IndexError: list index out of range", error
        if "pages" in it.at:
            it.is_of("first.py")
        elif "empty" in it.at:
            it.is_of("first.py")
            fails(IndexError, lambda: it.run(request=""))
        else:
            os.chdir(folder)
            with it.value(path="/../secret.txt") as file:
                assert file.read() == b"secret.txt"
            os.chdir("/")


@listing("web-site/empty/2", "web-site/closed/1")
def _(it):
    it.is_of("site.py")
    with site_folder() as folder:
        os.symlink("../secret.txt", f"{folder}/static/link.txt")
        port = port_in(it.program("site.py", 0, cwd=folder))
        for path, page in [
            ("/", (200, "static/index.html")),
            ("/news.html?page=2", (200, "static/news.html")),
            ("/%6eews.html", (200, "static/news.html")),
        ]:
            assert page_of(port, path) == page, path
        for path in "/nothing.html", "/../secret.txt", "/%2e%2e/secret.txt", "-old/plan.txt", "/link.txt", "/%00", "//etc/passwd":
            # After each of them, and after a connection without a request, the server still responds.
            assert page_of(port, path) == (404, "static/error.html"), path
            connect(port).close()


def hello(port, client=None):
    """Requests the page of web-many. Returns the socket, whose page has come."""
    client = client or connect(port)
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    received = client.recv(1024)
    assert received.endswith(b"\r\n\r\nhello"), received
    return client


def others_are_served_beside_a_silent_client(it, file):
    it.is_of(file)
    port = port_in(it.program(file, 0))
    silent_one = connect(port)
    for _ in range(2):
        assert all_of(hello(port)) == b""
    assert silent(silent_one, 0.01)
    hello(port, silent_one)


@listing("web-many/one/1", "web-many/one/2")
def _(it):
    it.is_of("one.py")
    port = port_in(it.program("one.py", 0))
    first, second = connect(port), connect(port)
    second.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert silent(second)
    hello(port, first)
    assert second.recv(1024).endswith(b"hello")


@listing("web-many/threads/1")
def _(it):
    others_are_served_beside_a_silent_client(it, "threads.py")


@listing("web-many/processes/1")
def _(it):
    others_are_served_beside_a_silent_client(it, "processes.py")


@listing("web-many/copies/1")
def _(it):
    with_line = it.files["processes.py"]
    without = with_line.replace(it.code + "\n    client.close()", it.code)
    assert without != with_line
    for code, closes in (with_line, True), (without, False):
        assert silent(hello(port_in(Program(code, 0))), 0.5) is not closes


@listing("web-many/tasks/1")
def _(it):
    others_are_served_beside_a_silent_client(it, "tasks.py")


@listing("web-many/gevent/1", "web-many/gevent/2")
def _(it):
    others_are_served_beside_a_silent_client(it, "green.py")


@contextlib.contextmanager
def class_folder(it):
    """The folder that `portlab lesson web-port --save` writes."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**it.files, "static/index.html": "static", "other/index.html": "other", "secret": ""}.items():
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            with open(f"{folder}/{name}", "w") as file:
                file.write(text)
        yield folder


@listing("web-port/class/1", "web-port/class/2", "web-port/question-1/1")
def _(it):
    it.is_of("web.py")
    with class_folder(it) as folder:
        port = port_in(it.program("web.py", 0, cwd=folder))
        quiet = connect(port)
        assert page_of(port) == page_of(port, "/index.html?a=b") == (200, "static")
        for path in "/nothing", "/../secret", "-old/index.html", "/%00":
            assert page_of(port, path)[0] == 404, path
        assert silent(quiet, 0.01)
        # A request in two pieces.
        quiet.sendall(b"GET / HT")
        assert silent(quiet, 0.1)
        quiet.sendall(b"TP/1.1\r\n\r\n")
        assert all_of(quiet).endswith(b"static")


@listing("web-port/class/3", "web-port/class/4")
def _(it):
    it.is_of("two.py" if "import" in it.code else "web.py")
    with class_folder(it) as folder:
        program = it.program("two.py", cwd=folder)
        assert [page_of(port_in(program)) for _ in range(2)] == [(200, "static"), (200, "other")]


@listing("web-port/words/1")
def _(it):
    lines, error = Program(it.code, 8080).end(1)
    assert lines == ["['-c', '8080']", "80808080"], lines
    assert error.startswith("TypeError: "), error


WRONG = [[], ["8080", "9090"], ["abc"], ["-1"], ["70000"], ["²"]]


@listing("web-port/checks/1")
def _(it):
    it.is_of("naive.py")
    errors = [it.program("naive.py", *words).end(1)[1].split(":")[0] for words in WRONG]
    assert errors == ["usage"] * 4 + ["OverflowError", "ValueError"], errors
    it.program("naive.py", 0).end()


@listing("web-port/checks/2")
def _(it):
    it.is_of("web.py")
    port_in = it.run()["port_in"]
    assert [port_in(["web.py", *words]) for words in WRONG] == [None] * 6
    assert [port_in(["web.py", word]) for word in ("0", "65535", "８０８０")] == [0, 65535, 8080]


@listing("web-port/checks/3", "web-port/taken/1")
def _(it):
    it.is_of("web.py")
    for words in WRONG:
        _, error = it.program("web.py", *words).end(1)
        assert error.startswith("usage: python3 web.py PORT"), error
    port = port_of(listener_kept())
    _, error = it.program("web.py", port).end(1)
    assert error.strip() == f"port {port}: Address already in use", error
