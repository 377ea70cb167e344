"""How fast a file becomes a lake, how much memory that takes, and how much disk."""

import glob
import json
import os
import shutil
import subprocess
import sys

from programs import CARELAKE, TESTKIT, carelake, run, say

# Bytes on disk for a weekday message: the feed, raw, the JSON document, the table, receipts, with room to spare.
BYTES_NEEDED = 12_000


def measure(folder, count):
    """Makes a feed and a lake of it; the lake stays for the questions, the feed goes."""
    say(f"{count:,} messages: making the feed")
    free = shutil.disk_usage(folder).free
    if free < count * BYTES_NEEDED:
        sys.exit(
            f"error: {count:,} messages need about {count * BYTES_NEEDED / 1e9:.0f} GB of disk, {free / 1e9:.0f} GB are free\n"
            "hint: ask for fewer with --messages, or give another --folder"
        )
    feed, lake = os.path.join(folder, f"weekday-{count}.hl7"), os.path.join(folder, f"lake-{count}")
    with open(feed, "wb") as file:
        make_feed(file, count)
    size = os.path.getsize(feed)
    read_through(feed)
    # Or the disk would still be writing the feed while the lake is made of it.
    os.sync()
    shutil.rmtree(lake, ignore_errors=True)
    run(CARELAKE, "init", lake)
    say(f"{count:,} messages: ingesting {size / 1e6:,.0f} MB")
    ingest = carelake(lake, "ingest", feed)
    account = ingest.output.strip().splitlines()[-1]
    if f"received={count} staged={count} error=0" not in account:
        sys.exit(f"error: the account is {account}")
    os.remove(feed)
    return {
        "count": count,
        "lake": lake,
        "message_bytes": size / count,
        "seconds": ingest.seconds,
        "messages_per_second": count / ingest.seconds,
        "mb_per_second": size / 1e6 / ingest.seconds,
        "peak_mb": ingest.peak_bytes / 1e6,
        "tenths": tenths(lake, ingest.began, count),
        "disk": {zone: folder_bytes(os.path.join(lake, zone)) for zone in ["raw", "staging/table", "staging/json", "error", "_carelake"]},
    }


def make_feed(file, count):
    subprocess.run([TESTKIT, "feed", "--mix", "weekday", "--count", str(count), "--seed", "1"], stdout=file, check=True)


def read_through(path):
    """Into the page cache."""
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass


def tenths(lake, began, count):
    """Messages a second in each tenth of the messages, by the times of the commits; empty with fewer than ten of them."""
    times, rows = [began], [0]
    for log in sorted(glob.glob(os.path.join(lake, "staging/table/_delta_log/*.json"))):
        with open(log, encoding="utf-8") as lines:
            actions = [json.loads(line) for line in lines]
        added = [json.loads(action["add"]["stats"])["numRecords"] for action in actions if "add" in action]
        moments = [action["commitInfo"]["timestamp"] / 1000 for action in actions if "commitInfo" in action]
        if added:
            times.append(moments[0])
            rows.append(rows[-1] + sum(added))
    if len(rows) < 11:
        return []
    marks = [moment_of(share * count / 10, times, rows) for share in range(11)]
    return [count / 10 / (after - before) for before, after in zip(marks, marks[1:])]


def moment_of(row, times, rows):
    """When a row was there, as if rows came evenly between two commits."""
    for place in range(1, len(rows)):
        if rows[place] >= row:
            share = (row - rows[place - 1]) / (rows[place] - rows[place - 1])
            return times[place - 1] + share * (times[place] - times[place - 1])
    return times[-1]


def folder_bytes(folder):
    sizes = [os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(folder) for name in names]
    return sum(sizes)
