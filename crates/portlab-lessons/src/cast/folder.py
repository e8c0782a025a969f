import os
import signal
import sys
import tempfile

# Ctrl-C at a terminal ends the lesson, and the end of the lesson ends this program.
for number in signal.SIGINT, signal.SIGHUP, signal.SIGTERM:
    signal.signal(number, signal.SIG_IGN)
with tempfile.TemporaryDirectory() as folder:
    for name, text in zip(sys.argv[1::2], sys.argv[2::2]):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    print(folder)
    sys.stdin.read()
