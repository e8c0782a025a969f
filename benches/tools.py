#!/usr/bin/env python3
"""Compares the CPU time that load generators use for a request: portlab, wrk and redis-benchmark, in interleaved rounds.

    benches/tools.py [http redis content tls] [--rounds 7] [--seconds 4]

http: GET of 1 KiB from nginx, 50 connections, portlab beside wrk; the bound is 0.9. redis: PING, 50 connections, beside
redis-benchmark; the bound is 0.65. content: the same two loads by portlab, with conditions on what the answer contains beside the
same load without them; the bound is 1.05. tls: the http load over TLS beside wrk over TLS, without a bound. Each client has one thread.

A figure is the user and system time of the client's process for one request, in microseconds; a ratio is of one round's two
figures. Printed are the median, the least and the most of all rounds. A program that isn't installed is named, and its
comparison left out. Exit code 1 if a bound isn't kept.

Loopback only. Needs Linux, Python 3, a release build, and a machine that does nothing else; and of nginx, wrk, redis-server,
redis-benchmark (redis-tools) and openssl what a comparison needs.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PORTLAB = os.path.join(os.path.dirname(__file__), "..", "target", "release", "portlab")
CONNECTIONS = 50
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000000; root {folder}/www;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d;
    scgi_temp_path {folder}/e;
    server {{ listen 127.0.0.1:{plain}; }}
    server {{ listen 127.0.0.1:{tls} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def missing(*programs):
    """Names the programs that aren't installed."""
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        print(f"  left out: {', '.join(absent)} not installed")
    return bool(absent)


@contextlib.contextmanager
def running(command, port):
    """A server in a process of its own, ended with the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        else:
            sys.exit(f"{command[0]} doesn't listen on port {port}")
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextlib.contextmanager
def nginx():
    """nginx with a page of 1 KiB; its URL, and the same over TLS."""
    with tempfile.TemporaryDirectory() as folder:
        plain, tls = free_port(), free_port()
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
        keys = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "1"]
        files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
        subprocess.run(["openssl", "req", "-x509", *keys, *files, *subject], check=True, stderr=subprocess.DEVNULL)
        os.mkdir(f"{folder}/www")
        os.chmod(folder, 0o755)
        with open(f"{folder}/www/page.html", "w", encoding="ascii") as page:
            page.write("<html>" + "x" * 1010 + "</html>\n")
        with open(f"{folder}/nginx.conf", "w", encoding="ascii") as settings:
            settings.write(NGINX.format(folder=folder, plain=plain, tls=tls))
        with running(["nginx", "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"], plain):
            yield f"http://127.0.0.1:{plain}/page.html", f"https://127.0.0.1:{tls}/page.html"


@contextlib.contextmanager
def redis():
    """A Redis server that keeps nothing; its port."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        with running(["redis-server", *settings], port):
            yield port


def cpu_us(command, requests):
    """CPU microseconds for a request of a client; `requests` finds their number in what the client prints."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with process.stdout:
        printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}: {printed[-500:]}")
    return (used.ru_utime + used.ru_stime) * 1e6 / requests(printed)


def portlab(*options):
    def figure():
        return cpu_us([PORTLAB, "load", *options, "--json"], lambda printed: json.loads(printed)["answered"])

    return figure


def wrk(url, seconds):
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url]
    return lambda: cpu_us(command, lambda printed: int(re.search(r"(\d+) requests in", printed)[1]))


def redis_benchmark(port, count):
    command = ["redis-benchmark", "-p", str(port), "-c", str(CONNECTIONS), "-n", str(count), "-t", "ping_mbulk", "-q"]
    return lambda: cpu_us(command, lambda _: count)


def compare(name, rounds, bound, ours, theirs):
    """Prints the ratio of `ours` to `theirs`, each a name and a figure; returns whether `bound` is kept."""
    ratios, figures = [], ([], [])
    for number in range(rounds):
        # Which one is first changes from round to round.
        order = [0, 1] if number % 2 == 0 else [1, 0]
        for which in order:
            figures[which].append((ours, theirs)[which][1]())
        ratios.append(figures[0][-1] / figures[1][-1])
    ratio = statistics.median(ratios)
    kept = bound is None or ratio <= bound
    said = "" if bound is None else f"; at most {bound}: {'kept' if kept else 'NOT KEPT'}"
    for (label, _), values in zip((ours, theirs), figures):
        print(f"  {label:<28}{statistics.median(values):7.2f} µs  {min(values):.2f} to {max(values):.2f}")
    print(f"  {name:<28}{ratio:7.3f}     {min(ratios):.3f} to {max(ratios):.3f}{said}", flush=True)
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", nargs="*", default=[], choices=["http", "redis", "content", "tls", []])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4)
    args = parser.parse_args()
    which = args.which or ["http", "redis", "content", "tls"]
    seconds, count = args.seconds, args.seconds * 50_000
    fixed = ["-c", str(CONNECTIONS), "--plain"]
    timed = [*fixed, "-d", f"{seconds}s", "--warmup", "0s"]
    ping = ["--text", r"*1\r\n$4\r\nPING\r\n", *fixed, "-n", str(count)]
    kept = []
    print(f"CPU time of the client for a request, medians of {args.rounds} rounds, least to most")
    if "http" in which:
        print("http: GET of 1 KiB from nginx")
        if not missing("nginx", "openssl", "wrk"):
            with nginx() as (url, _):
                kept.append(compare("portlab : wrk", args.rounds, 0.9, ("portlab", portlab(url, *timed)), ("wrk", wrk(url, seconds))))
    if "redis" in which:
        print("redis: PING")
        if not missing("redis-server", "redis-benchmark"):
            with redis() as port:
                ours = portlab(f"127.0.0.1:{port}", *ping, "--expect", "lines:1")
                theirs = ("redis-benchmark", redis_benchmark(port, count))
                kept.append(compare("portlab : redis-benchmark", args.rounds, 0.65, ("portlab", ours), theirs))
    if "content" in which:
        print("content: conditions on the answer, beside the same load without them")
        if not missing("nginx", "openssl"):
            with nginx() as (url, _):
                checked = portlab(url, *timed, "--expect", "contains:</html>&not:error")
                plain = portlab(url, *timed)
                kept.append(compare("checked : unchecked, http", args.rounds, 1.05, ("checked", checked), ("unchecked", plain)))
        if not missing("redis-server"):
            with redis() as port:
                checked = portlab(f"127.0.0.1:{port}", *ping, "--expect", "lines:1&starts:+PONG")
                plain = portlab(f"127.0.0.1:{port}", *ping, "--expect", "lines:1")
                kept.append(compare("checked : unchecked, redis", args.rounds, 1.05, ("checked", checked), ("unchecked", plain)))
    if "tls" in which:
        print("tls: GET of 1 KiB from nginx over TLS")
        if not missing("nginx", "openssl", "wrk"):
            with nginx() as (_, url):
                ours = ("portlab", portlab(url, *timed, "--insecure"))
                kept.append(compare("portlab : wrk, TLS", args.rounds, None, ours, ("wrk", wrk(url, seconds))))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
