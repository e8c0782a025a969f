# The messages of HTTP.


def site(answers):
    """Starts a server with a message for each path. Returns its port, and the paths that are requested."""
    server, paths = listener(), []

    def serve():
        while True:
            client = server.accept()[0]
            paths.append(client.recv(4096).split(b" ")[1].decode())
            client.sendall(answers[paths[-1]])
            client.close()

    Thread(target=serve, daemon=True).start()
    return port_of(server), paths


@listing("http-messages/request/1")
def _(it):
    program = it.program("show.py")
    port = int(program.line())
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(2):
        assert answer_to(port, request).endswith(b"\r\n\r\nhi")
        assert program.line() == repr(request)


@listing("http-messages/statuses/1")
def _(it):
    port, paths = site({
        "/": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "/old": b"HTTP/1.1 301 x\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
        "/strange": b"HTTP/1.1 404 OK\r\nContent-Length: 0\r\n\r\n",
    })
    url = f"http://127.0.0.1:{port}"
    alone = {**os.environ, "no_proxy": "*"}
    for path, said in ("/old", f"200 {url}/"), ("/strange", "404 OK"):
        lines, _ = it.program("follow.py", url + path, env=alone).end()
        assert lines == [said], lines
    assert paths == ["/old", "/", "/strange"], paths


@listing("http-messages/post/1")
def _(it):
    it.is_of("form.py")
    program = it.program("form.py")
    port = int(program.line())
    body = b"name=%E5%B0%8F%E6%98%8E&seats=2"
    for length in ("Content-Length", "content-length"):
        client = connect(port)
        client.sendall(b"POST /form HTTP/1.1\r\nHost: x\r\n%s: %d\r\n\r\n" % (length.encode(), len(body)))
        assert silent(client)
        client.sendall(body)
        assert all_of(client).decode().endswith("\r\n\r\n{'name': ['小明'], 'seats': ['2']}\n")
    # After a request without a length, an empty one and a wrong length, the server still answers.
    assert answer_to(port, b"GET / HTTP/1.1\r\n\r\n").endswith(b"{}\n")
    connect(port).close()
    assert answer_to(port, b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n") == b""
    assert program.line() == "a bad request"
    assert answer_to(port, b"GET / HTTP/1.1\r\n\r\n").endswith(b"{}\n")
