#!/usr/bin/env python3
"""Runs every model under mixed faults for some minutes, all at the same time, and checks that no resource leaks.

    tests/endure.py [MINUTES] [--models a,b] [--clients N] [--markdown FILE]

Only resources are judged, not speed: memory, descriptors, threads, processes, zombies and sockets in CLOSE-WAIT are
sampled every few seconds. A server fails if its memory still grows in the second half by more than its own noise.
It also fails if, after all clients have ended, it has more descriptors, threads or processes than at the beginning,
a zombie, or a socket in CLOSE-WAIT. Uses loopback only, with about 200 connections per second in all. Needs Linux,
Python 3 and a release build.
"""

import argparse
import json
import os
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

PORTLAB = os.path.join(os.path.dirname(__file__), "..", "target", "release", "portlab")
CLOSE_WAIT = "08"
SAMPLE_INTERVAL_S = 5
# A growth of memory is noise up to the larger of these two: a share of the memory, and a number of KiB.
NOISE_SHARE, NOISE_KIB = 0.10, 512


class Server:
    def __init__(self, model, service):
        self.name = f"{model} {service}"
        command = [PORTLAB, "serve", "--json", "--model", model, "--service", service, "--bind", "127.0.0.1:0"]
        command += ["--idle-timeout", "10s", "--line-timeout", "2s", "--output-limit", "256KiB"]
        if model not in ("iterative", "fork", "threads", "event-loop", "tasks", "tasks-single"):
            command += ["--workers", "24"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        host, port = json.loads(self.process.stdout.readline())["addr"].split(":")
        self.address = (host, int(port))
        self.samples, self.connections = [], 0

    def pids(self):
        """The server's process and its descendants, and which of them are zombies."""
        parents, states = {}, {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            parents[int(pid)], states[int(pid)] = int(parent), state
        found, before = {self.process.pid}, 0
        while len(found) != before:
            before = len(found)
            found |= {pid for pid, parent in parents.items() if parent in found}
        return found, sum(states.get(pid) == "Z" for pid in found)

    def sample(self):
        pids, zombies = self.pids()
        memory = descriptors = threads = 0
        for pid in pids:
            try:
                with open(f"/proc/{pid}/smaps_rollup") as file:
                    memory += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
                descriptors += len(os.listdir(f"/proc/{pid}/fd"))
                threads += len(os.listdir(f"/proc/{pid}/task"))
            except (OSError, StopIteration):
                pass  # The process has ended meanwhile.
        port = f":{self.address[1]:04X}"
        with open("/proc/net/tcp") as file:
            rows = [line.split() for line in file]
        waits = sum(row[1].endswith(port) and row[3] == CLOSE_WAIT for row in rows[1:])
        return {"pss_kib": memory, "descriptors": descriptors, "threads": threads,
                "processes": len(pids), "zombies": zombies, "close_wait": waits}


def connect(server):
    server.connections += 1
    peer = socket.create_connection(server.address, timeout=5)
    peer.settimeout(2)
    return peer


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def talk(peer, rng, chat):
    """Does what one client does, chosen by chance: kinds 0 to 3 are well-behaved, the others are unusual or faulty."""
    kind = rng.randrange(10)
    if chat:
        peer.sendall(b"m%d\n" % rng.randrange(1 << 40))
    if kind <= 3:
        for _ in range(3):
            peer.sendall(b"x" * rng.randrange(1, 900) + b"\n")
            if not chat:
                peer.recv(1000)
        peer.close()
    elif kind == 4:
        reset(peer)
    elif kind == 5:
        peer.sendall(b"y" * 3000 + b"\n")
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(1 << 16):
            pass
        peer.close()
    elif kind == 6:  # sends half a line, then nothing
        peer.sendall(b"half a li")
        time.sleep(2.5)
        peer.close()
    elif kind == 7:  # sends much and reads nothing
        peer.setblocking(False)
        try:
            for _ in range(64):
                peer.send(b"z" * 1000 + b"\n")
        except OSError:
            pass
        time.sleep(0.5)
        reset(peer) if rng.randrange(2) else peer.close()
    elif kind == 8:  # sends many lines at once
        peer.sendall(b"line\n" * 400)
        peer.recv(1 << 16)
        peer.close()
    else:  # sends a long line without an end
        peer.sendall(b"w" * 9000)
        peer.recv(1 << 16)
        peer.close()


def client(server, seed, until):
    rng, chat = random.Random(seed), server.name.endswith("chat")
    while time.monotonic() < until:
        try:
            talk(connect(server), rng, chat)
        except OSError:
            pass  # A server may refuse or close a connection of a faulty client.
        time.sleep(0.1)


def verdict(server, base, after):
    """Returns what failed at a server, as texts, and the server's row of the table."""
    half = [sample["pss_kib"] for sample in server.samples[len(server.samples) // 2:]]
    third = max(1, len(half) // 3)
    early, late = statistics.median(half[:third]), statistics.median(half[-third:])
    # The differences of neighbouring samples, so that a trend doesn't count as noise.
    spread = statistics.median([abs(value - before) for before, value in zip(half, half[1:])] or [0])
    wrong = []
    if late - early > max(3 * spread, NOISE_SHARE * early, NOISE_KIB):
        wrong.append(f"memory still grows: {early:.0f} to {late:.0f} KiB")
    for what in ("descriptors", "threads", "processes"):
        if after[what] > base[what]:
            wrong.append(f"{after[what]} {what} at the end, {base[what]} at the beginning")
    for what in ("zombies", "close_wait"):
        if after[what]:
            wrong.append(f"{after[what]} {what} at the end, expected 0")
    peak = {what: max(sample[what] for sample in server.samples) for what in base}
    row = [server.name, f"{server.connections:,}", base["pss_kib"], f"{early:.0f}", f"{late:.0f}", peak["pss_kib"],
           after["pss_kib"], f'{base["descriptors"]}, {peak["descriptors"]}, {after["descriptors"]}',
           f'{peak["close_wait"]}, {after["close_wait"]}', peak["zombies"]]
    return wrong, row


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("minutes", nargs="?", type=float, default=10)
    options.add_argument("--models", help="names of models, separated by commas [default: all]")
    options.add_argument("--clients", type=int, default=4, help="clients of each server at a time [default: 4]")
    options.add_argument("--markdown", metavar="FILE", help="also write the table to this file")
    args = options.parse_args()
    models = [model["name"] for model in json.loads(subprocess.check_output([PORTLAB, "models", "--json"]))]
    models = args.models.split(",") if args.models else models
    servers = [Server(model, service) for model in models for service in ("echo", "chat")
               if (model, service) != ("iterative", "chat")]
    try:
        time.sleep(1)
        bases = [server.sample() for server in servers]
        until = time.monotonic() + 60 * args.minutes
        clients = [threading.Thread(target=client, args=(server, seed, until))
                   for server in servers for seed in range(args.clients)]
        for thread in clients:
            thread.start()
        while time.monotonic() < until:
            time.sleep(SAMPLE_INTERVAL_S)
            for server in servers:
                server.samples.append(server.sample())
            left = max(0, until - time.monotonic())
            print(f"\r{left:4.0f} s left", end="", file=sys.stderr, flush=True)
        for thread in clients:
            thread.join()
        # The idle timeout closes the connections that are still open.
        time.sleep(15)
        failed, rows = 0, []
        for server, base in zip(servers, bases):
            wrong, row = verdict(server, base, server.sample())
            rows.append(row)
            failed += bool(wrong)
            print(f"\r{server.name:20} {'FAILED: ' + '; '.join(wrong) if wrong else 'ok'}", flush=True)
    finally:
        for server in servers:
            server.process.send_signal(signal.SIGTERM)
        ends = [server.process.wait(timeout=30) for server in servers]
    head = ["server", "connections", "KiB before", "in the middle", "late", "at most", "after",
            "descriptors before, at most, after", "CLOSE-WAIT at most, after", "zombies seen"]
    table = ["| " + " | ".join(map(str, row)) + " |" for row in [head, ["---"] * len(head), *rows]]
    print("\n".join(table))
    if args.markdown:
        with open(args.markdown, "w") as file:
            file.write("\n".join(table) + "\n")
    if any(ends):
        print(f"exit codes after SIGTERM: {ends}; expected 0", file=sys.stderr)
    sys.exit(bool(failed or any(ends)))


if __name__ == "__main__":
    main()
