"""Runs one Python listing of the lessons, and checks the outcome that the lesson's text describes.

Standard input is JSON: `at` (LESSON/STEP/NUMBER), `lang`, `is_whole` (the listing can be copied and run as it is),
`listings` (all listings of the lesson, by `at`) and `files` (the programs in the lesson's folder). The other files of this
folder have an entry for each listing: its input (peers, ports, names that the text defines) and the expected outcome. All
ports are free ports: a listing uses the name `port`, a program takes its port as an argument or binds port 0. The script
ends every program that it starts, and takes at most 60 seconds.
"""

import asyncio, codecs, contextlib, errno, http.client, io, json, os, re, signal, socket, struct
import subprocess, sys, tempfile, textwrap, threading, time
from multiprocessing import Process, set_start_method
from threading import Barrier, Lock, Thread

ENTRIES = {}
STARTED = []
PROGRAMS = set()
GREETING = "你好，服务端！"


def listing(*at):
    """Returns a decorator: the function becomes the entry of the listings `at`."""
    return lambda entry: ENTRIES.update((one, entry) for one in at)


class LeftOut(Exception):
    """This machine can't show the outcome; the argument is the reason."""


class Lesson:
    """The lesson that contains the listing."""

    def __init__(self, at, lang, is_whole, listings, files):
        self.at, self.lang, self.is_whole = at, lang, is_whole
        self.listings, self.files = listings, files
        self.code = listings[at]

    def of(self, place):
        """Returns another listing of the same lesson, by STEP/NUMBER."""
        return self.listings[self.at.split("/")[0] + "/" + place]

    def run(self, code=None, **names):
        """Runs the listing in this process. Returns its global names, and its output as `printed`."""
        space = {**globals(), **names}
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code or self.code, self.at, "exec"), space)
        space["printed"] = out.getvalue()
        return space

    def value(self, **names):
        """Evaluates a listing that is an expression."""
        return eval(self.code, {**globals(), **names})

    def program(self, file, *arguments, **options):
        """Starts a program of the lesson's folder."""
        return Program(self.files[file], *arguments, **options)

    def is_of(self, file, *places):
        """Checks that each line of the listing, or of the listings at `places`, is a line of the program `file`."""
        lines = [line.strip() for line in self.files[file].splitlines()]
        for code in [self.of(place) for place in places] or [self.code]:
            for line in code.splitlines():
                assert line.strip() in lines, f"{line!r} is not in {file}"


class Program:
    """A running Python program."""

    def __init__(self, code, *arguments, **options):
        pipe = subprocess.PIPE
        words = [sys.executable, "-u", "-c", code, *map(str, arguments)]
        self.process = subprocess.Popen(
            words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", **options
        )
        self.pid = self.process.pid
        STARTED.append(self.process)
        PROGRAMS.add(code.strip())

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def connect(self):
        """Connects to the port that the program prints in its first line."""
        return connect(int(self.line()))

    def end(self, code=0):
        """Waits for the program's end. Returns the lines of its output, and the error that ended it."""
        out, error = self.process.communicate(timeout=30)
        assert self.process.returncode == code, f"exit code {self.process.returncode}: {error}"
        return out.splitlines(), error_of(error)

    def threads(self):
        """Returns the states of the program's threads."""
        tasks = os.listdir(f"/proc/{self.pid}/task")
        return [state_of(f"{self.pid}/task/{task}") for task in tasks]


def error_of(text):
    """Returns the line of a traceback that names the error; notes may follow this line."""
    lines = text.splitlines()
    behind = [at + 1 for at, line in enumerate(lines) if line.startswith("  ")]
    return "".join(lines[behind[-1] : behind[-1] + 1]) if behind else text


def state_of(process):
    with open(f"/proc/{process}/stat") as stat:
        return stat.read().rsplit(") ", 1)[1][0]


def until(holds, what):
    """Waits until `holds` returns true."""
    since = time.monotonic()
    while not holds():
        assert time.monotonic() - since < 30, f"not seen: {what}"
        time.sleep(0.005)


def listener(host="127.0.0.1"):
    server = socket.socket()
    server.bind((host, 0))
    server.listen(128)
    return server


def port_of(server):
    return server.getsockname()[1]


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def pair():
    """Makes a connection. Returns the client's socket and the server's socket."""
    server = listener()
    client = connect(port_of(server))
    conn = server.accept()[0]
    conn.settimeout(30)
    return client, conn


def refused(port):
    try:
        connect(port)
    except ConnectionRefusedError:
        return True
    return False


def fails(error, run):
    """Returns the error that ends `run`; fails if there is none."""
    try:
        run()
    except error as failed:
        return failed
    raise AssertionError(f"no {error.__name__}")


def number_of(error):
    return errno.errorcode[error.errno]


def all_of(conn):
    """Receives all bytes until the peer closes the connection."""
    return b"".join(iter(lambda: conn.recv(65536), b""))


def silent(conn, seconds=0.3):
    """Returns whether no data arrive within `seconds`."""
    before = conn.gettimeout()
    conn.settimeout(seconds)
    try:
        conn.recv(1)
    except TimeoutError:
        return True
    except socket.timeout:  # Python 3.9
        return True
    finally:
        conn.settimeout(before)
    return False


def main():
    if sys.argv[1:] == ["--list"]:
        return print("\n".join(ENTRIES))
    lesson = Lesson(**json.load(sys.stdin))
    if lesson.at not in ENTRIES:
        sys.exit(f"{lesson.at} has no entry in tests/lessons/listings: add one there, with its input and the expected outcome")
    signal.alarm(60)
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"{lesson.at} took 60 s"))
    try:
        ENTRIES[lesson.at](lesson)
        is_run = lesson.code.strip() in PROGRAMS
        assert is_run or not lesson.is_whole, f"{lesson.at} is a whole program, but its entry didn't run it as one"
    except LeftOut as reason:
        print(f"left out: {reason}")
    finally:
        for process in STARTED:
            process.kill()
            process.wait()
    sys.stdout.flush()
    # Some threads of listings wait forever: this call ends them.
    os._exit(0)
