#!/usr/bin/env python3
"""Measures what hostile clients cost the others: floods, slow clients, short connections.

    benches/hostile.py flood [--members 1000] [--models a,b] [--kind newlines|paste|who|msg]
    benches/hostile.py slow  [--clients 200] [--rounds 5] [--models a,b]
    benches/hostile.py short [--seconds 10] [--models a,b]

flood: one member of a chat floods it; every 100 ms another member sends a line, and a third one receives it. The bound is
100 ms for each line. slow: the p99 of 20 usual clients beside slow clients, each of which sends a byte every half second; the
bound is twice the p99 without them, medians of interleaved rounds. short: connections of one message each, as fast as the
machine allows; then the number of descriptors is as before, and memory within 10 %.

Loopback only. Needs Linux, Python 3, a release build, and a machine that does nothing else.
"""

import argparse
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import threading
import time

PORTLAB = os.path.join(os.path.dirname(__file__), "..", "target", "release", "portlab")
FLOODS = {
    "newlines": b"\n" * (128 << 10),
    "paste": b"a line of a paste that has some length\n" * 3300,
    "who": b"/who\n" * 13_000,
    "msg": b"/msg abcdefghijklmnopqrst hi\n" * 4_000,
}


class Server:
    """A server in a process of its own, ended with the block."""

    def __init__(self, model, *options):
        self.command = [PORTLAB, "serve", "--json", "--bind", "127.0.0.1:0", "--model", model, *options]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        host, port = json.loads(self.process.stdout.readline())["addr"].split(":")
        self.address = (host, int(port))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)

    def connect(self, hello=b""):
        client = socket.create_connection(self.address)
        client.sendall(hello)
        return client

    def load(self, *options):
        """The load generator's result."""
        command = [PORTLAB, "load", "%s:%d" % self.address, "--json", *options]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout)

    def resources(self):
        """Descriptors and memory of the server's first process, in KiB."""
        pid = self.process.pid
        with open(f"/proc/{pid}/smaps_rollup") as file:
            memory = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        return len(os.listdir(f"/proc/{pid}/fd")), memory


def sheets(*names):
    """The sheets of these models, or of all."""
    return json.loads(subprocess.check_output([PORTLAB, "models", *names, "--json"]))


def workers(model, connections):
    """The option for enough workers, if each of the model's workers serves one connection at a time."""
    return ["--workers", str(connections)] if sheets(model)["serves_at_once"] == "workers" else []


def read_on(clients, seconds):
    """Reads from `clients` in a process of its own; its exit code is the number of clients that were dropped."""
    child = os.fork()
    if child:
        return child
    ready, known, dropped, until = select.epoll(), {}, 0, time.monotonic() + seconds
    for client in clients:
        client.setblocking(False)
        known[client.fileno()] = client
        ready.register(client.fileno(), select.EPOLLIN)
    while time.monotonic() < until:
        for number, _ in ready.poll(0.2):
            try:
                is_open = known[number].recv(1 << 18) != b""
            except OSError:
                is_open = False
            if not is_open:
                dropped += 1
                ready.unregister(number)
    os._exit(min(dropped, 255))


def flood(model, members, kind):
    with Server(model, "--service", "chat", *workers(model, members + 4)) as server:
        crowd = [server.connect(b"m%d\n" % number) for number in range(members - 3)]
        settle, measured = 3 + members / 80, 8
        reader = read_on(crowd, settle + measured + 4)
        flooder, speaker, listener = [server.connect(name + b"\n") for name in (b"flooder", b"speaker", b"listener")]
        time.sleep(settle)
        sent, waited, over = {}, [], threading.Event()

        def listen():
            rest = b""
            listener.settimeout(0.5)
            while not over.is_set():
                try:
                    rest += listener.recv(1 << 18)
                except TimeoutError:
                    continue
                *lines, rest = rest.split(b"\n")
                for line in lines:
                    _, found, number = line.partition(b"speaker: tick ")
                    if found:
                        waited.append(time.monotonic() - sent[int(number)])

        def read(client):
            client.settimeout(0.5)
            while not over.is_set():
                try:
                    client.recv(1 << 18)
                except OSError:
                    continue

        def send():
            try:
                flooder.sendall(FLOODS[kind])
            except OSError:
                pass  # The run is over before the server has taken all of it.

        threads = [threading.Thread(target=listen), threading.Thread(target=read, args=(speaker,)),
                   threading.Thread(target=read, args=(flooder,)), threading.Thread(target=send, daemon=True)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + measured
        while time.monotonic() < until:
            sent[len(sent)] = time.monotonic()
            speaker.sendall(b"tick %d\n" % (len(sent) - 1))
            time.sleep(0.1)
        time.sleep(2)
        over.set()
        for thread in threads[:3]:
            thread.join()
        dropped = os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1])
    waited.sort()
    p50, most = (1e3 * waited[len(waited) // 2], 1e3 * waited[-1]) if waited else (float("inf"),) * 2
    is_good = len(waited) == len(sent) and most <= 100 and not dropped
    return is_good, [f"{len(waited)} of {len(sent)}", f"{p50:.1f} ms", f"{most:.1f} ms", dropped]


def slow(model, clients, rounds):
    p99 = {False: [], True: []}
    for beside in [False, True] * rounds:
        with Server(model, *workers(model, clients + 30)) as server:
            crowd = [server.connect() for _ in range(clients if beside else 0)]
            over = threading.Event()

            def drip():
                while not over.is_set():
                    for client in crowd:
                        client.sendall(b"x")
                        time.sleep(0.5 / clients)

            thread = threading.Thread(target=drip)
            if beside:
                thread.start()
            result = server.load("-c", "20", "--rate", "2k", "-d", "2s")
            over.set()
            if beside:
                thread.join()
            p99[beside].append(result["latency_ns"]["p99"] / 1e3)
    without, with_them = (statistics.median(p99[beside]) for beside in (False, True))
    spread = " - ".join(f"{edge:.0f}" for edge in (min(p99[True]), max(p99[True])))
    return with_them < 2 * without, [f"{without:.0f} us", f"{with_them:.0f} us", f"{with_them / without:.2f}", f"{spread} us"]


def short(model, seconds):
    with Server(model) as server:
        # The first connections make a server's memory grow, so they come before the first figure.
        server.load("-c", "20", "--per-connection", "1", "-d", "2s")
        time.sleep(2)
        descriptors, memory = server.resources()
        result = server.load("-c", "20", "--per-connection", "1", "-d", f"{seconds}s")
        time.sleep(2)
        after, kept = server.resources()
    rate = result["messages"] / seconds
    is_good = after <= descriptors and kept <= 1.1 * memory
    return is_good, [f"{rate:,.0f}/s", f"{descriptors}, {after}", f"{memory}, {kept} KiB"]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", choices=["flood", "slow", "short"])
    options.add_argument("--models", help="only these, with commas between")
    options.add_argument("--members", type=int, default=1000)
    options.add_argument("--kind", choices=sorted(FLOODS), default="newlines")
    options.add_argument("--clients", type=int, default=200)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=10)
    args = options.parse_args()
    models = [sheet["name"] for sheet in sheets()]
    models = args.models.split(",") if args.models else models
    # The iterative server has no rooms, and serves one client at a time.
    models = [model for model in models if model != "iterative" or args.what == "short"]
    head, run = {
        "flood": (["received", "p50", "most", "dropped"], lambda model: flood(model, args.members, args.kind)),
        "slow": (["p99 alone", "p99 beside", "ratio", "spread"], lambda model: slow(model, args.clients, args.rounds)),
        "short": (["connections", "descriptors before, after", "memory before, after"], lambda model: short(model, args.seconds)),
    }[args.what]
    print("| " + " | ".join(["model", *head, "within the bound"]) + " |")
    print("|" + " --- |" * (len(head) + 2))
    failed = 0
    for model in models:
        is_good, row = run(model)
        failed += not is_good
        print("| " + " | ".join(map(str, [model, *row, "yes" if is_good else "NO"])) + " |", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
