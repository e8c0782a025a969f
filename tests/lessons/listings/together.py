# Processes and threads, lost updates and deadlocks.


@listing("processes/number/1")
def _(it):
    program = Program(it.code)
    [line], _ = program.end()
    assert line == f"{program.pid} {os.getpid()}", line


@listing("processes/copy/1")
def _(it):
    # Each process writes once, so that the lines of the shared pipe don't mix.
    tell = "os.write(1, b'%d\\n' % number)"
    lines, _ = Program(f"import os\nnumber = 100\n{it.code}\n{tell}\nif pid: os.wait()").end()
    assert sorted(lines) == ["100", "101"], lines


@listing("processes/zombie/1")
def _(it):
    program = Program(f"import os\n{it.code}\nprint(pid)\ninput()\nos.waitpid(pid, 0)\nprint()\ninput()")
    child = int(program.line())
    until(lambda: state_of(child) == "Z", "a zombie")
    program.process.stdin.write("\n")
    program.process.stdin.flush()
    program.line()
    assert not os.path.exists(f"/proc/{child}")


@listing("processes/arguments/1", "processes/arguments/2")
def _(it):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/child.py", "w") as child:
            child.write("import sys\n" + it.of("arguments/2"))
        # On some machines the command python3 has another name.
        os.symlink(sys.executable, f"{folder}/python3")
        path = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        parent = f"import subprocess\n{it.of('arguments/1')}\nchild.wait()"
        lines, _ = Program(parent, cwd=folder, env=path).end()
        assert lines == [{"en": "maths", "zh": "数学"}[it.lang]], lines


@listing("processes/python/1", "processes/python/2")
def _(it):
    it.is_of("family.py")
    [child, parent], _ = it.program("family.py", "Ming").end()
    assert child.endswith(" ['Ming', 'Ming']") and parent.endswith(" []"), (child, parent)


@listing("processes/named/1")
def _(it):
    program = it.program("named.py", "Ming")
    lines, error = program.end()
    assert lines == ["Ming Ming", "exit code 0"] * 2 + ["exit code 1"], lines
    assert error.startswith("TypeError"), error
    # By name, an argument that the function lacks is an error too.
    wrong = it.code.replace('kwargs={"times": 2, "name": name}', 'kwargs={"time": 2, "name": name}')
    assert wrong != it.code
    assert Program(wrong, "Ming").end()[0] == ["Ming Ming", "exit code 0"] + ["exit code 1"] * 2


@listing("processes/guard/1")
def _(it):
    lines, _ = it.program("guard.py", 0.3, "ordinary").end()
    assert lines[1:] == ["parent ends", "child ends"], lines
    # The daemon would run for 60 seconds; `end` waits for 30 seconds only.
    lines, _ = it.program("guard.py", 60, "daemon").end()
    assert lines[1:] == ["parent ends"], lines
    assert not os.path.exists(f"/proc/{lines[0].split()[1]}")


@listing("threads/numbers/1")
def _(it):
    music = threading.Event()
    names = it.run(sing_songs=music.wait, do_dance=music.wait)
    both = [names["sing"], names["dance"]]
    assert [one.name for one in both] == ["sing", "dance"]
    numbers = {one.native_id for one in both}
    assert len(numbers) == 2 and os.getpid() not in numbers
    assert numbers < {int(task) for task in os.listdir("/proc/self/task")}
    music.set()


@listing("threads/shared/1")
def _(it):
    it.is_of("share.py")
    assert it.program("share.py").end()[0] == ["[0, 1, 2, 3, 4]"]


@listing("threads/order/1")
def _(it):
    printed = []
    names = it.run(start_line=Barrier(4), print=printed.append)
    four = [Thread(target=names["announce"], args=(name,)) for name in "ABCD"]
    for one in four:
        one.start()
    for one in four:
        one.join(30)
    assert sorted(printed) == list("ABCD"), printed


@listing("threads/blocked/1")
def _(it):
    client, peer = pair()
    names = it.run(client=client, number=0, is_over=False)
    waiting, counting = [Thread(target=names[name]) for name in ("wait", "count")]
    waiting.start()
    counting.start()
    until(lambda: names["number"] > 10_000, "counting")
    until(lambda: state_of(f"self/task/{waiting.native_id}") == "S", "sleeping")
    assert waiting.is_alive()
    names["is_over"] = True
    peer.close()
    waiting.join(30)
    counting.join(30)


@listing("threads/join/1", "threads/join/2")
def _(it):
    it.is_of("daemon.py")
    assert it.program("daemon.py", 0.3, "ordinary").end()[0] == ["main ends", "thread ends"]
    # The daemon thread would run for 60 seconds; `end` waits for 30 seconds only.
    assert it.program("daemon.py", 60, "daemon").end()[0] == ["main ends"]


@listing("lost-update/slowly/1")
def _(it):
    code = f"def once():\n    global g_num\n{textwrap.indent(it.code, '    ')}"
    names = it.run(code, g_num=0, both_have_read=Barrier(2))
    both = [Thread(target=names["once"]) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    assert names["g_num"] == 1, names["g_num"]


def sum_of(it, file):
    [line], _ = it.program(file).end()
    assert 0 < int(line) <= 2_000_000, line
    return int(line)


def has_gil():
    return getattr(sys, "_is_gil_enabled", lambda: True)()


@listing("lost-update/python/1")
def _(it):
    it.is_of("plus.py")
    # As the text says: since Python 3.10 the sum is right, if the interpreter has a global lock (GIL).
    is_right = sum_of(it, "plus.py") == 2_000_000
    assert is_right or sys.version_info < (3, 10) or not has_gil()


@listing("lost-update/python/2", "lost-update/python/3")
def _(it):
    it.is_of("apart.py")
    if all(sum_of(it, "apart.py") == 2_000_000 for _ in range(10)):
        raise LeftOut("by chance no addition was lost in ten runs")


@listing("lost-update/cure/1")
def _(it):
    it.is_of("locked.py")
    assert sum_of(it, "locked.py") == 2_000_000


@listing("deadlock/knot/1", "deadlock/knot/2")
def _(it):
    barrier, *threads = it.of("knot/2").splitlines()
    names = {"en": ["Ming", "Hong"], "zh": ["小明", "小红"]}[it.lang]
    program = Program(
        "from threading import Barrier, Lock, Thread\npen, ruler, has = Lock(), Lock(), {}\n"
        + "\n".join([barrier, it.of("knot/1"), *threads, "ming.start()", "hong.start()"])
    )
    has = eval(program.line())
    assert has == {name: 1 for name in names}, has
    until(lambda: program.threads() == ["S"] * 3, "three threads that sleep")
    time.sleep(0.3)
    assert program.threads() == ["S"] * 3 and program.process.poll() is None
    program.process.kill()
    assert program.process.stdout.read() == ""


@listing("deadlock/order/1")
def _(it):
    names = {"pen": Lock(), "ruler": Lock()}
    both = [Thread(target=lambda: [it.run(**names) for _ in range(200)]) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
        assert not one.is_alive()


@listing("deadlock/patience/1")
def _(it):
    it.is_of("patient.py")
    lines, _ = it.program("patient.py", "Ming", "Hong").end()
    assert sorted(line for line in lines if line.endswith("2")) == ["Hong 2", "Ming 2"], lines
    assert len(lines) > 2, "no thread gave its lock back"


@listing("passing/python/1", "passing/python/2")
def _(it):
    it.is_of("pass.py")
    lines, _ = it.program("pass.py").end()
    parent, other, same, read = [line.split()[1:] for line in lines]
    # The number that was sent as a text means another file to the child.
    assert parent[0] == other[0] and parent[1] != other[1], lines
    assert parent[1] == same[1] and read == ["hello"], lines
