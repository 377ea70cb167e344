"""The programs that are measured, and how long and how much memory they take."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

BUILT = os.path.abspath(os.environ["CARELAKE_BUILT"])
CARELAKE = os.path.join(BUILT, "carelake")
TESTKIT = os.path.join(BUILT, "testkit")
ONE_BY_ONE = os.path.join(BUILT, "examples", "ingest_one_by_one")


@dataclass
class Run:
    """One program from its start to its end."""

    began: float
    seconds: float
    peak_bytes: int
    output: str


def run(*words):
    began = time.time()
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8")
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.time() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"error: {' '.join(words[:2])} ended with {child.returncode}")
    return Run(began, seconds, usage.ru_maxrss * 1024, output)


def carelake(lake, *words):
    return run(CARELAKE, *words, "--lake", lake)


def median_ms(times, work):
    """The median of so many calls, in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def say(text):
    """What goes on, apart from the report."""
    print(f"== {text}", file=sys.stderr, flush=True)
