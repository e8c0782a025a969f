"""Morse code service with a thread pool.

One line of text in, one line of morse out.
python3 server.py PORT
"""
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

CODE = {
    "A": ".-", "B": "-...", "C": "-.-.", "D": "-..", "E": ".", "F": "..-.", "G": "--.",
    "H": "....", "I": "..", "J": ".---", "K": "-.-", "L": ".-..", "M": "--", "N": "-.",
    "O": "---", "P": ".--.", "Q": "--.-", "R": ".-.", "S": "...", "T": "-", "U": "..-",
    "V": "...-", "W": ".--", "X": "-..-", "Y": "-.--", "Z": "--..",
    "0": "-----", "1": ".----", "2": "..---", "3": "...--", "4": "....-",
    "5": ".....", "6": "-....", "7": "--...", "8": "---..", "9": "----.", " ": "/",
}


def morse(line):
    text = line.decode("utf-8", errors="replace").strip().upper()
    return (" ".join(CODE.get(c, "?") for c in text) + "\n").encode("ascii")


def serve(conn):
    """Serves one client, returns how many lines it sent."""
    lines = 0
    buf = b""
    with conn:
        while True:
            data = conn.recv(4096)
            if not data:
                break
            buf += data
            *complete, buf = buf.split(b"\n")
            for line in complete:
                lines += 1
                conn.sendall(morse(line))
            if len(buf) > 100000:
                conn.sendall(b"? too long\n")
                return lines
        if buf:
            lines += 1
            conn.sendall(morse(buf))
    return lines


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", int(sys.argv[1])))
    server.listen(128)
    server.settimeout(0.5)      # so that finished clients are seen in good time
    total = 0
    running = []
    with server, ThreadPoolExecutor(max_workers=500) as pool:
        while True:
            try:
                conn, addr = server.accept()
            except TimeoutError:
                pass
            except OSError as e:
                print("accept:", e, flush=True)
                time.sleep(0.1)
            else:
                conn.settimeout(None)
                running.append(pool.submit(serve, conn))
            for job in [j for j in running if j.done()]:
                running.remove(job)
                total += job.result()
                print("lines so far:", total, flush=True)


if __name__ == "__main__":
    main()
