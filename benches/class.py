#!/usr/bin/env python3
"""Measures what the classroom page costs, and how soon it shows something.

    cargo build --release -p portlab && benches/class.py [--seconds 20] [--students 60]

Bounds (exit code 1 if one isn't kept):
- with 60 clients that hold /join's stream, one Chromium on /join and one on the teacher's page, which shows two servers under load
  20 times a second: the page's process uses less than 25 % of a core and less than 100 MiB;
- the first paint comes within 300 ms (the median of seven loads, on loopback), and the page with all its files has less than
  300 KiB;
- from the click that starts a server under load to dots that move: less than 1 s (the median of five).

The CPU is that of the process `portlab class` alone: its servers and loads are processes of their own. Loopback only. Needs Linux, Python 3,
Chromium, a release build, and a machine that does nothing else.
"""

import argparse
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from waterfall import Browser

PORTLAB = os.path.join(os.path.dirname(__file__), "..", "target", "release", "portlab")
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
# Each file of the page, with its headers: what the browser has received.
BYTES = """[performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource')]
  .filter(it => !it.name.includes('/events')).reduce((sum, it) => sum + it.transferSize, 0)"""
# Dots move when one of them has another place than before; a new dot is no movement.
MOVING = """new Promise(done => {
  const began = performance.now();
  const known = new Map();
  const look = () => {
    for (const {dataset: {conn, place, lane}} of document.querySelectorAll('.dot[data-place]')) {
      if (known.has(conn) && known.get(conn) !== place + lane) return done(performance.now() - began);
      known.set(conn, place + lane);
    }
    requestAnimationFrame(look);
  };
  document.querySelector('.heads select').value = 'event-loop';
  document.querySelector('.heads select').dispatchEvent(new Event('change'));
  look();
})"""


def start():
    page = subprocess.Popen([PORTLAB, "class", "--bind", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    base, code = re.search(r"(http://\S+)/#teacher=(\S+)", page.stdout.readline()).groups()
    return page, base, code


def order(base, code, path, body):
    connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=60)
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json", "x-teacher": code})
    answer = connection.getresponse()
    assert answer.status == 204, (path, answer.status, answer.read())


def evaluate(browser, expression):
    answer = browser.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
    assert "exceptionDetails" not in answer, answer
    return answer["result"].get("value")


def wait_for(browser, expression):
    until = time.monotonic() + 30
    while not evaluate(browser, f"Boolean({expression})"):
        assert time.monotonic() < until, expression
        time.sleep(0.05)


def hold(base, topic):
    """A client that holds a stream, and reads nothing more than the kernel takes."""
    host, port = base.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)))
    client.sendall(f"GET /events?topics={topic} HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n".encode())
    assert b" 200 " in client.recv(4096)
    return client


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_mib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1)) / 1024


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--seconds", type=int, default=20)
    arguments.add_argument("--students", type=int, default=60)
    chosen = arguments.parse_args()
    page, base, code = start()
    kept = []

    def say(name, value, bound, unit):
        is_kept = value < bound
        kept.append(is_kept)
        print(f"{name:42} {value:8.1f} {unit:4} bound {bound} {unit}{'' if is_kept else '   NOT KEPT'}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(folder)
        try:
            paints, sizes = [], []
            # One tab: a browser opens at most six connections to a host, and each tab holds a stream.
            browser.open(f"{base}/#teacher={code}")
            browser.call("Network.enable")
            browser.call("Network.setCacheDisabled", cacheDisabled=True)
            browser.call("Page.bringToFront")
            for _ in range(7):
                browser.call("Page.reload")
                time.sleep(0.5)
                wait_for(browser, f"{PAINT} && document.querySelector('#tabs button')")
                paints.append(evaluate(browser, PAINT))
                sizes.append(evaluate(browser, BYTES) / 1024)
            say("first paint (median of 7)", statistics.median(paints), 300, "ms")
            say("the page with its files", max(sizes), 300, "KiB")
            browser.call("Page.bringToFront")
            order(base, code, "/do/load", {"on": "both"})
            moving = []
            for _ in range(5):
                order(base, code, "/do/serve", {"slot": 0, "model": None})
                time.sleep(0.5)
                moving.append(evaluate(browser, MOVING))
            say("click to moving dots (median of 5)", statistics.median(moving), 1000, "ms")

            order(base, code, "/do/serve", {"slot": 1, "model": "threads"})
            students = [hold(base, "join") for _ in range(chosen.students)]
            teacher = browser.session
            browser.open(f"{base}/join")
            browser.session = teacher
            browser.call("Page.bringToFront")
            time.sleep(3)
            before, since = cpu_s(page.pid), time.monotonic()
            memory = []
            while time.monotonic() - since < chosen.seconds:
                time.sleep(1)
                memory.append(pss_mib(page.pid))
            share = (cpu_s(page.pid) - before) / (time.monotonic() - since) * 100
            say(f"CPU of the page, {len(students)} students", share, 25, "%")
            say("memory of the page (PSS, largest)", max(memory), 100, "MiB")
        finally:
            browser.end()
            page.terminate()
            page.wait(30)
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
