#!/usr/bin/env python3
"""Compares nginx with portlab's models as web servers, in interleaved rounds.

    benches/web.py [small large slow] [--rounds 7] [--seconds 3] [--models NAMES]

small: a file of 1 KiB, 100 connections that stay open; at least 0.8 of nginx on the best model. large: 1 MiB, 10 connections; at
least 0.9. Printed are requests per second of the server's CPU time (user and system, all of its processes): the median, the
least and the most of all rounds, and the median of the rounds' ratios to nginx. nginx has one worker and its usual settings
(docs/peers/http/nginx.sh); `nginx+cache` has open_file_cache too. The load is wrk's, or portlab's where wrk isn't installed.

slow: the p99 of 90 clients that request 1 KiB, while 10 others read the file of 1 MiB at 64 KiB a second, as a ratio to the p99 without
these; less than 2 for each model that serves any number of connections. The load is portlab's.

Each server is a fresh process for each measurement, kept to the first half of the processors, and sends both files whole
before it is loaded; the load has the other half. Exit code 1 if a bound isn't kept.

Loopback only. Needs Linux, Python 3, nginx, a release build, and a machine that does nothing else.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.environ.get("CARGO_TARGET_DIR") or os.path.join(HERE, "..", "target")
NGINX = os.path.join(HERE, "..", "docs", "peers", "http", "nginx.sh")
CACHE = "open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;"
SIZES = {"small.bin": 1024, "large.bin": 1 << 20}
TICK = os.sysconf("SC_CLK_TCK")
CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPUS, LOAD_CPUS = (CPUS[: len(CPUS) // 2], CPUS[len(CPUS) // 2 :]) if len(CPUS) > 1 else (CPUS, CPUS)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def stat(pid):
    """The fields of /proc/PID/stat behind the program's name; the first one is the state."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


def cpu_s(root):
    """User and system time of a process and its descendants, also of children that have ended."""
    stats = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            stats[int(pid)] = stat(pid)
    family, ticks = {root}, 0
    # A child mostly has a greater number than its parent, but not always.
    while found := {pid for pid, fields in stats.items() if int(fields[1]) in family} - family:
        family |= found
    for pid in family:
        ticks += sum(int(field) for field in stats[pid][11:15])
    return ticks / TICK


@contextlib.contextmanager
def running(command, port, more):
    """A server in a process of its own, which has sent both files whole; ended with the block."""
    pin = lambda: os.sched_setaffinity(0, SERVER_CPUS)
    environment = {**os.environ, "NGINX_MORE": more}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pin, env=environment)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        else:
            sys.exit(f"{' '.join(command)} doesn't listen on port {port}")
        for name in SIZES:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}") as response, open(os.path.join(root, name), "rb") as file:
                if response.read() != file.read():
                    sys.exit(f"{' '.join(command)} sends another {name}")
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def server(name):
    """Starts the server of this name."""
    port = free_port()
    if name.startswith("nginx"):
        command = ["sh", NGINX, str(port), root]
    else:
        command = [args.portlab, "serve", "--service", "http", "--root", root, "--model", name, "--bind", f"127.0.0.1:{port}"]
    return running(command, port, CACHE if name == "nginx+cache" else ""), f"http://127.0.0.1:{port}"


def client(command):
    pin = lambda: os.sched_setaffinity(0, LOAD_CPUS)
    ended = subprocess.run(command, capture_output=True, text=True, preexec_fn=pin, check=False)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {ended.returncode}: {(ended.stdout + ended.stderr)[-500:]}")
    return ended.stdout


def load(url, connections, *more):
    """The result of a load by portlab."""
    timed = ["-d", f"{args.seconds}s", "--warmup", "200ms", "--plain", "--json"]
    return json.loads(client([args.portlab, "load", url, "-c", str(connections), *timed, *more]))


def requests(url, connections):
    """How many requests a load has made."""
    if shutil.which("wrk") is None:
        return load(url, connections, "--warmup", "0s")["answered"]
    printed = client(["wrk", "-t1", f"-c{connections}", f"-d{args.seconds}s", url])
    if found := re.search(r"(Socket errors|Non-2xx).*", printed):
        sys.exit(f"{url}: {found[0]}")
    return int(re.search(r"(\d+) requests in", printed)[1])


def per_cpu_second(name, file, connections):
    started, url = server(name)
    with started as pid:
        # The first requests find cold caches, and make threads and processes.
        client([args.portlab, "load", f"{url}/{file}", "-c", str(connections), "-d", "200ms", "--warmup", "0s", "--plain"])
        before = cpu_s(pid)
        count = requests(f"{url}/{file}", connections)
        # The processes and threads of the load's connections end.
        time.sleep(0.2)
        return count / (cpu_s(pid) - before)


def in_rounds(names, measure):
    """What `measure` gives for each name in each round. Every round begins with another name."""
    figures = {name: [] for name in names}
    for number in range(args.rounds):
        for at in range(len(names)):
            name = names[(number + at) % len(names)]
            figures[name].append(measure(name))
    return figures


def throughput(title, file, connections, bound):
    """Prints requests per CPU second of all servers; returns whether the best model keeps `bound`."""
    print(f"{title}: requests per second of the server's CPU time, {connections} connections")
    figures = in_rounds(["nginx", "nginx+cache", *models], lambda name: per_cpu_second(name, file, connections))
    best = 0
    for name, values in figures.items():
        ratios = {of: statistics.median(a / b for a, b in zip(values, figures[of])) for of in ("nginx", "nginx+cache")}
        if name in models:
            best = max(best, ratios["nginx"])
        told = "".join(f"   {ratio:5.2f} of {of}" for of, ratio in ratios.items() if of != name)
        print(f"  {name:<14}{statistics.median(values):10,.0f}   {min(values):,.0f} to {max(values):,.0f}{told}", flush=True)
    print(f"  the best model: {best:.2f} of nginx; at least {bound}: {'kept' if best >= bound else 'NOT KEPT'}", flush=True)
    return best >= bound


def slow_readers(name):
    """The p99 of fast clients beside slow ones, and without them, in milliseconds."""
    p99 = []
    for slow in (False, True):
        started, url = server(name)
        with started:
            command = [args.portlab, "load", f"{url}/large.bin", "-c", "10", "--slow-reader", "64KiB", "--timeout", "1m", "--plain"]
            silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            readers = subprocess.Popen([*command, "-d", "10m"], **silent) if slow else None
            time.sleep(1)
            p99.append(load(f"{url}/small.bin", 90)["latency_ns"]["p99"] / 1e6)
            if readers:
                if readers.poll() is not None:
                    sys.exit(f"{' '.join(command)} has ended")
                readers.kill()
                readers.wait()
    return p99


def latency():
    """Prints by how much slow readers delay others; returns whether all models keep the bound."""
    print("slow: p99 of 90 clients beside 10 slow readers, to the p99 without them")
    worst = 0
    for name, pairs in in_rounds(models, slow_readers).items():
        ratios = [beside / alone for alone, beside in pairs]
        alone, beside = (statistics.median(pair[which] for pair in pairs) for which in (0, 1))
        worst = max(worst, statistics.median(ratios))
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"  {name:<14}{statistics.median(ratios):6.2f}   {spread}   {alone:.2f} ms, beside {beside:.2f} ms", flush=True)
    print(f"  the worst model: {worst:.2f}; less than 2: {'kept' if worst < 2 else 'NOT KEPT'}", flush=True)
    return worst < 2


def main():
    kept = []
    which = args.which or ["small", "large", "slow"]
    if which != ["slow"] and shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") is None:
        sys.exit("nginx is not installed")
    for name, size in SIZES.items():
        with open(os.path.join(root, name), "wb") as file:
            file.write(os.urandom(size))
    print(f"medians of {args.rounds} rounds, least to most; server on processors {SERVER_CPUS}, load on {LOAD_CPUS}")
    if "small" in which:
        kept.append(throughput("small, 1 KiB", "small.bin", 100, 0.8))
    if "large" in which:
        kept.append(throughput("large, 1 MiB", "large.bin", 10, 0.9))
    if "slow" in which:
        kept.append(latency())
    return 0 if all(kept) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", nargs="*", default=[], choices=["small", "large", "slow", []])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--models", help="as threads,tasks; otherwise all that serve any number of connections")
    parser.add_argument("--portlab", default=os.path.join(TARGET, "release", "portlab"))
    args = parser.parse_args()
    sheets = json.loads(subprocess.run([args.portlab, "models", "--json"], capture_output=True, check=True).stdout)
    models = args.models.split(",") if args.models else [it["name"] for it in sheets if it["serves_at_once"] == "open"]
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        sys.exit(main())
