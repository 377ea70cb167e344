"""Measures python-hl7 and hl7apy over a feed of CR-terminated messages: the best of three runs, one core."""

import json
import re
import sys
import time

import hl7
from hl7apy.parser import parse_message

with open(sys.argv[1], "rb") as feed:
    MESSAGES = [m for m in re.split(r"(?<=\r)(?=MSH\|)", feed.read().decode("ascii")) if m]


def measure(name, messages, read):
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for message in messages:
            read(message)
        best = min(best, time.perf_counter() - start)
    size = sum(map(len, messages))
    print(f"{name:<52} {len(messages) / best:>10.0f} messages/s {size / best / 1e6:>8.2f} MB/s", flush=True)


def tree(part):
    """Names and texts of an hl7apy element, as deep as it goes."""
    children = getattr(part, "children", None)
    if not children:
        return part.to_er7()
    return [(child.long_name or child.name, tree(child)) for child in children]


measure("python-hl7 0.4: parse", MESSAGES, hl7.parse)
measure("python-hl7 0.4: parse, JSON without names", MESSAGES, lambda m: json.dumps(hl7.parse(m)))
# Some hundred messages are enough at its pace.
FEW = MESSAGES[:100]
measure("hl7apy 1.3: parse", FEW, parse_message)
measure("hl7apy 1.3: parse, JSON with names", FEW, lambda m: json.dumps(tree(parse_message(m))))
