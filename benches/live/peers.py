"""The same load against servers on other libraries, which acknowledge from memory and keep nothing."""

import os
import shutil
import subprocess
import sys

from programs import HERE, INTEROP, PYTHON, free_port, say, send


def measure(seconds, connections):
    """Name, window and report of each. simple-hl7 reads one message at a time, so it gets no more."""
    python_hl7 = [PYTHON, os.path.join(HERE, "python_hl7_server.py")]
    rows = []
    with Peer(python_hl7) as peer:
        for window in [1, 32]:
            rows.append(("python-hl7 (asyncio)", window, peer.load(seconds, connections, window)))
    if shutil.which("node"):
        with Peer(["node", os.path.join(INTEROP, "simple_hl7_server.js")]) as peer:
            rows.append(("simple-hl7 (Node)", 1, peer.load(seconds, connections, 1)))
    return rows


class Peer:
    """A server that says when it is ready."""

    def __init__(self, words):
        self.port = free_port()
        self.process = subprocess.Popen([*words, str(self.port)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8")
        if self.process.stdout.readline() != "ready\n":
            sys.exit(f"error: {os.path.basename(words[-1])} did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def load(self, seconds, connections, window):
        say(f"{os.path.basename(self.process.args[-2])}: {connections} connections, window {window}, {seconds} s")
        return send("--mllp", f"127.0.0.1:{self.port}", "--connections", connections, "--window", window, "--seconds", seconds)
