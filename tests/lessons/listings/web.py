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
