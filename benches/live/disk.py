"""What the disk allows: how long an append takes until it is durable."""

import os
import statistics
import time

MESSAGE = 1_600


def append_and_sync_ms(folder, size, times):
    """The median of so many appends of this size, each followed by fdatasync."""
    path = os.path.join(folder, "appended")
    block = os.urandom(size)
    taken = []
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for _ in range(times):
            began = time.perf_counter()
            os.write(file, block)
            os.fdatasync(file)
            taken.append((time.perf_counter() - began) * 1000)
    finally:
        os.close(file)
        os.remove(path)
    return statistics.median(taken)
