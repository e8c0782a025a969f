#!/usr/bin/env python3
"""Loads a small site in headless Chromium, and writes the times of its requests as JSON.

    cargo build -p portlab && benches/waterfall.py docs/images/waterfall.json

`portlab serve --service http` serves the site: a page with a style sheet, pictures (one has a Chinese name, one doesn't exist),
a favicon and a video. Chromium makes the video itself, so that no codec is needed here, and requests it by ranges. The figures
come from the Network domain of Chromium's DevTools protocol, over the browser's pipe: file descriptors 3 and 4, each message ends
with a NUL byte. Chromium imitates a slow network (LATENCY_MS, BYTES_PER_S), or the bars would be too short to see. The drawing is
made from the JSON by a test: `.ci/renew`.
"""

import base64, fcntl, json, os, random, select, shutil, struct, subprocess, sys, tempfile, time, zlib
from urllib.parse import unquote, urlsplit

LATENCY_MS = 20
BYTES_PER_S = 1_000_000
CHROMIUM = os.environ.get("CHROMIUM", "chromium")
PORTLAB = os.environ.get("PORTLAB", "target/debug/portlab")

PAGE = """<!DOCTYPE html>
<meta charset="utf-8">
<title>端口</title>
<link rel="icon" href="/favicon.ico">
<link rel="stylesheet" href="/style.css">
<h1>你好，浏览器！</h1>
<img src="/red.png"><img src="/green.png"><img src="/照片 一.png"><img src="/missing.png">
<video src="/clip.mp4" preload="auto" muted></video>
"""

# Noise, because a video of an even colour would be a few bytes long.
RECORD = """new Promise(done => {
  const canvas = document.createElement('canvas'), brush = canvas.getContext('2d');
  [canvas.width, canvas.height] = [320, 180];
  const options = {mimeType: 'video/mp4', videoBitsPerSecond: 1500000};
  const recorder = new MediaRecorder(canvas.captureStream(25), options), parts = [];
  recorder.ondataavailable = event => parts.push(event.data);
  recorder.onstop = () => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(',')[1]);
    reader.readAsDataURL(new Blob(parts));
  };
  recorder.start();
  let frames = 0;
  const timer = setInterval(() => {
    const noise = brush.createImageData(320, 180);
    for (let at = 0; at < noise.data.length; at++) noise.data[at] = Math.random() * 256;
    brush.putImageData(noise, 0, 0);
    if (++frames > 60) { clearInterval(timer); recorder.stop(); }
  }, 40);
})"""


class Browser:
    """Chromium without a window, and its DevTools."""

    def __init__(self, folder):
        (its_in, self.out), (self.into, its_out) = os.pipe(), os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (its_in, its_out)]
        flags = ["--headless", "--remote-debugging-pipe", "--no-first-run", f"--user-data-dir={folder}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        self.process = subprocess.Popen(
            [CHROMIUM, *flags, "about:blank"],
            pass_fds=(3, 4),
            preexec_fn=lambda: [os.dup2(end, at) for end, at in zip(ends, (3, 4))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (its_in, its_out, *ends):
            os.close(end)
        self.number, self.rest, self.events, self.session = 0, b"", [], None

    def call(self, method, **params):
        """Calls a method, and returns its result. Events that come first are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while answer := self.message(60):
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self.events.append(answer)
        raise SystemExit(f"Chromium didn't answer {method}")

    def message(self, seconds):
        """Returns the next message; None when none comes in time."""
        until = time.monotonic() + seconds
        while b"\0" not in self.rest:
            if not select.select([self.into], [], [], max(0, until - time.monotonic()))[0]:
                return None
            data = os.read(self.into, 1 << 16)
            if not data:
                raise SystemExit("Chromium has ended")
            self.rest += data
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, url):
        """Opens a tab, and keeps the messages about it apart from the others."""
        self.session = None
        target = self.call("Target.createTarget", url=url)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def end(self):
        self.process.terminate()
        self.process.wait(30)


def png(width, height, colour):
    """Returns a picture in shades of `colour`."""
    shade = random.Random(str(colour)).randrange
    rows = [b"\0" + bytes(part + shade(40) for _ in range(width) for part in colour) for _ in range(height)]
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b"")


def write_site(folder, video):
    files = {
        "index.html": PAGE.encode(),
        "style.css": b"img, video { width: 160px }\n",
        "favicon.ico": png(16, 16, (0, 120, 120)),
        "red.png": png(160, 90, (200, 60, 60)),
        "green.png": png(160, 90, (60, 160, 90)),
        "照片 一.png": png(160, 90, (70, 90, 200)),
        "clip.mp4": video,
    }
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


def loaded(browser, url):
    """Loads a page, and returns the events of the network until nothing more happens for three seconds."""
    for domain in ("Network", "Page"):
        browser.call(f"{domain}.enable")
    speed = {"downloadThroughput": BYTES_PER_S, "uploadThroughput": BYTES_PER_S}
    browser.call("Network.emulateNetworkConditions", offline=False, latency=LATENCY_MS, **speed)
    browser.events.clear()
    browser.call("Page.navigate", url=url)
    while event := browser.message(3):
        browser.events.append(event)
    return [(event["method"], event["params"]) for event in browser.events if "method" in event]


def requests_of(events):
    """Returns a record for each request, in the order in which they were made."""
    records, first, connections = {}, None, []
    for method, it in events:
        if method == "Network.requestWillBeSent":
            first = it["timestamp"] if first is None else first
            path, asked = unquote(urlsplit(it["request"]["url"]).path), it["request"]["headers"].get("Range")
            records[it["requestId"]] = {"path": path, "range": asked, "start_ms": it["timestamp"]}
        record = records.get(it.get("requestId"))
        if record is None:
            continue
        if method == "Network.responseReceived":
            answer, timing = it["response"], it["response"]["timing"]
            if answer["connectionId"] not in connections:
                connections.append(answer["connectionId"])
            moment = lambda name: timing["requestTime"] + timing[name] / 1000
            is_new = timing["connectStart"] >= 0
            record.update(
                status=answer["status"],
                type=answer["mimeType"],
                connection=connections.index(answer["connectionId"]) + 1,
                connect_ms=moment("connectStart") if is_new else None,
                send_ms=moment("sendStart"),
                head_ms=moment("receiveHeadersEnd"),
            )
        elif method == "Network.dataReceived":
            record["bytes"] = record.get("bytes", 0) + it["dataLength"]
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            record.update(end_ms=it["timestamp"], is_cancelled=it.get("canceled", False))
    for record in records.values():
        record.setdefault("bytes", 0)
        for name, value in record.items():
            if name.endswith("_ms") and value is not None:
                record[name] = round(1000 * (value - first), 1)
    return [record for record in records.values() if "end_ms" in record and "status" in record]


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = tempfile.mkdtemp(prefix="waterfall-")
    profile, site = (os.path.join(folder, name) for name in ("profile", "site"))
    os.mkdir(site)
    browser, server = Browser(profile), None
    try:
        product = browser.call("Browser.getVersion")["product"]
        browser.open("about:blank")
        recorded = browser.call("Runtime.evaluate", expression=RECORD, awaitPromise=True)
        write_site(site, base64.b64decode(recorded["result"]["value"]))
        options = ["--service", "http", "--root", site, "--bind", "127.0.0.1:0", "--json"]
        server = subprocess.Popen([PORTLAB, "serve", *options], stdout=subprocess.PIPE, text=True)
        ready = json.loads(server.stdout.readline())
        browser.open("about:blank")
        requests = requests_of(loaded(browser, f"http://{ready['addr']}/"))
    finally:
        browser.end()
        if server:
            server.terminate()
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
    record = {
        "browser": product,
        "server": f"portlab serve --service http --model {ready['model']}",
        "latency_ms": LATENCY_MS,
        "bytes_per_s": BYTES_PER_S,
        "requests": requests,
    }
    with open(sys.argv[1], "w") as file:
        json.dump(record, file, ensure_ascii=False, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
