"""`carelake serve` on a fresh lake: its doors, its metrics, its memory."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from programs import CARELAKE

DOOR = re.compile(r"^(mllp|http)\b.*?\b(\d+\.\d+\.\d+\.\d+:\d+)")
START_WITHIN = 60


class Serving:
    """With settings of its own for nothing but the ports: what is measured is what a user gets."""

    def __init__(self, folder, name):
        self.lake = os.path.join(folder, name)
        config = os.path.join(folder, f"{name}.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write('[mllp.default]\nlisten = "127.0.0.1:0"\n\n[http]\nlisten = "127.0.0.1:0"\n')
        subprocess.run([CARELAKE, "init", self.lake], stdout=subprocess.DEVNULL, check=True)
        words = [CARELAKE, "serve", "--lake", self.lake, "--config", config]
        self.log = open(os.path.join(folder, f"{name}.log"), "wb")
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, encoding="utf-8"
        )
        self.doors, self.are_open = {}, threading.Event()
        threading.Thread(target=self.read_doors, daemon=True).start()
        if not self.are_open.wait(START_WITHIN) or len(self.doors) < 2:
            self.fail("carelake serve did not open its doors")
        self.mllp, self.http = self.doors["mllp"], self.doors["http"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def read_doors(self):
        for line in self.process.stdout:
            if found := DOOR.match(line):
                self.doors[found[1]] = found[2]
                if len(self.doors) == 2:
                    self.are_open.set()
        self.are_open.set()

    def stop(self):
        """As an operator does; gives the seconds until everything was settled."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(600) != 0:
            self.fail("carelake serve did not stop well")
        return time.monotonic() - began

    def fail(self, problem):
        self.process.kill()
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            sys.exit(f"error: {problem}\n{''.join(log.readlines()[-20:])}")

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.http}/metrics", timeout=30) as response:
            return Metrics(response.read().decode())

    def ask(self, query):
        """Rows as lines of JSON; nothing if it cannot be asked here."""
        headers = {"Content-Type": "text/plain", "Accept": "application/x-ndjson"}
        request = urllib.request.Request(f"http://{self.http}/v1/sql", query.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.read().decode().splitlines()
        except urllib.error.HTTPError as error:
            if error.code in (404, 405, 501):
                return None
            raise

    def memory_mb(self, name="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            [line] = [line for line in status if line.startswith(f"{name}:")]
        return int(line.split()[1]) * 1024 / 1e6

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Metrics:
    """Figures of one moment."""

    def __init__(self, text):
        self.lines = [line for line in text.splitlines() if line and not line.startswith("#")]

    def sum(self, name):
        """Over all labels; nothing if there is no such figure."""
        values = [float(line.split()[-1]) for line in self.lines if re.match(rf"{name}(\{{|\s)", line)]
        return sum(values) if values else None

    def buckets(self, name):
        """Upper ends and how many were not above them, over all labels."""
        ends = {}
        for line in self.lines:
            if found := re.match(rf'{name}_bucket\{{.*?le="([^"]+)".*?\}}\s+(\S+)', line):
                end = float(found[1].replace("+Inf", "inf"))
                ends[end] = ends.get(end, 0) + float(found[2])
        return ends

    def mean_since(self, earlier, name):
        count = (self.sum(f"{name}_count") or 0) - (earlier.sum(f"{name}_count") or 0)
        total = (self.sum(f"{name}_sum") or 0) - (earlier.sum(f"{name}_sum") or 0)
        return total / count if count else None

    def quantile_since(self, earlier, name, share):
        """The upper end of the bucket that holds it; nothing if nothing was counted."""
        now, before = self.buckets(name), earlier.buckets(name)
        counts = [(end, count - before.get(end, 0)) for end, count in sorted(now.items())]
        if not counts or counts[-1][1] == 0:
            return None
        return next(end for end, count in counts if count >= share * counts[-1][1])
