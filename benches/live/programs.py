"""The programs that are measured or measure, and where they are."""

import json
import os
import socket
import subprocess
import sys

BUILT = os.path.abspath(os.environ["CARELAKE_BUILT"])
CARELAKE = os.path.join(BUILT, "carelake")
TESTKIT = os.path.join(BUILT, "testkit")
PYTHON = sys.executable
HERE = os.path.dirname(os.path.abspath(__file__))
INTEROP = os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests/interop")

# Messages that are made before the clock starts; each comes again under other control IDs.
DISTINCT = 10_000


def send(*words):
    """A load; gives its report."""
    command = [TESTKIT, "send", "--json", "--repeat", str(DISTINCT), *map(str, words)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8")
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} ended with {done.returncode}")
    return json.loads(done.stdout)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def say(text):
    """What goes on, apart from the report."""
    print(f"== {text}", file=sys.stderr, flush=True)
