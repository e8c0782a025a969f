#!/usr/bin/env python3
"""Measures how many bugs `portlab judge` names in servers that its rules were not written for.

    benches/judge.py [first|second|third] [FOLDER ...]

The servers in `benches/judge/first`, `second` and `third` were written as students write, by authors who knew the list of bugs and
neither portlab's code nor its other test programs. `answers.csv` says which bug each server has, which others come with it,
and what its author saw when he tried it; `none` is a right server. docs/judge.md has the figures of the first run, which is
the one that counts: since then the judge was changed with these servers in view.

Loopback only. Needs Linux, Python 3 and a release build.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PORTLAB = os.path.join(HERE, "..", "target", "release", "portlab")

# Long pages, which are made here: path, and bytes.
PAGES = {
    "first/01_liwei_web/static/novel.txt": 1_748_890,
    "first/35_library/books/a.txt": 1_838_890,
    "first/36_http11_keepalive/web/big.txt": 1_838_890,
    "second/14_library/files/book.txt": 12_000_034,
}


def judged(folder, command):
    """The verdict on a server, and how long it took. The interpreter is this one: a wrapper would cost time."""
    words = [sys.executable if word == "python3" else word for word in command.split()]
    since = time.monotonic()
    run = subprocess.run([PORTLAB, "judge", "--json", "--", *words], cwd=folder, capture_output=True, text=True, timeout=180)
    return json.loads(run.stdout), time.monotonic() - since


def measure(where, name, chosen):
    counts = {"named": 0, "missed": 0, "right": 0, "false alarm": 0}
    others, times = 0, []
    with open(os.path.join(where, name, "answers.csv"), newline="") as file:
        rows = [row for row in csv.DictReader(file) if not chosen or row["folder"] in chosen]
    for row in rows:
        verdict, took = judged(os.path.join(where, name, row["folder"]), row["command"])
        bugs = [bug["bug"] for bug in verdict["bugs"]]
        if row["bug"] == "none":
            result = "false alarm" if bugs else "right"
        else:
            result = "named" if row["bug"] in bugs else "missed"
            others += len(set(bugs) - {row["bug"], *row["also"].split()})
        counts[result] += 1
        times.append(took)
        print(f"{row['folder']:24} {row['bug']:30} {result:12} {took:5.1f} s  {' '.join(bugs)}", flush=True)
    bugs = counts["named"] + counts["missed"]
    print(
        f"{name}: {counts['named']} of {bugs} bugs named, {others} other bugs named beside them, "
        f"{counts['false alarm']} of {counts['right'] + counts['false alarm']} right servers with a false alarm; "
        f"{sorted(times)[len(times) // 2]:.1f} s each (median), {max(times):.1f} s at most"
    )


def main():
    sets = ("first", "second", "third")
    names = [name for name in sys.argv[1:] if name in sets] or sets
    chosen = [name for name in sys.argv[1:] if name not in names]
    with tempfile.TemporaryDirectory() as where:
        shutil.copytree(os.path.join(HERE, "judge"), where, dirs_exist_ok=True)
        for path, length in PAGES.items():
            with open(os.path.join(where, path), "wb") as page:
                line = b"a line of a long book, as a student would find it\n"
                page.write((line * (length // len(line) + 1))[:length])
        for name in names:
            measure(where, name, chosen)


if __name__ == "__main__":
    main()
