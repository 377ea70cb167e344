"""A lake of many small commits, and a table of many columns."""

import csv
import glob
import itertools
import json
import os
import re
import shutil
import statistics
import uuid

import deltalake
import pyarrow.parquet

from ingesting import folder_bytes
from programs import CARELAKE, ONE_BY_ONE, TESTKIT, carelake, median_ms, run, say

DICTIONARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../crates/hl7/dictionary")
VERSION = "2.5.1"
# No lake of commits takes longer than this to make.
SECONDS = 1_200


def measure_commits(folder, count, grown_to):
    """Each message a run of its own; then how long it takes to open what came of it, and a table grown from it."""
    say(f"{count:,} ingests of one message each")
    lake = new_lake(folder, "lake-of-commits")
    taken = one_by_one(lake, weekday_messages(folder, count))
    tenth = max(len(taken) // 10, 1)
    result = {
        "count": len(taken),
        "first_ms": statistics.median(taken[:tenth]),
        "last_ms": statistics.median(taken[-tenth:]),
        "opened": [opened(lake)],
    }
    say(f"the table grown to {grown_to:,} commits")
    grow(os.path.join(lake, "staging/table"), grown_to)
    # The first writer finds that nobody left a checkpoint, and makes up for it.
    one_by_one(lake, files(folder, "after", ["MSH|^~\\&|A|B|C|D|20260301||ADT^A01|AFTER|P|2.5.1\rPID|1||X1\r"]))
    result["opened"].append(opened(lake))
    return result


def opened(lake):
    table = os.path.join(lake, "staging/table")
    return {
        "version": deltalake.DeltaTable(table).version(),
        "open_ms": median_ms(5, lambda: carelake(lake, "sql", "SELECT 1")),
        "count_ms": median_ms(3, lambda: carelake(lake, "sql", "SELECT count(*) FROM staging")),
        "log_mb": folder_bytes(os.path.join(table, "_delta_log")) / 1e6,
    }


def grow(table, version):
    """Adds commits up to `version`: those of the log again, each with a data file that is one more name of the old one."""
    log = os.path.join(table, "_delta_log")
    commits = [read_commit(file) for file in sorted(glob.glob(os.path.join(log, "0*.json")))]
    appends = [actions for actions in commits if any("add" in action for action in actions)]
    for number, actions in zip(range(len(commits), version + 1), itertools.cycle(appends)):
        with open(os.path.join(log, f"{number:020}.json"), "w") as file:
            file.writelines(json.dumps(again(action, table), separators=(",", ":")) + "\n" for action in actions)


def read_commit(file):
    with open(file) as lines:
        return [json.loads(line) for line in lines]


def again(action, table):
    if "add" not in action:
        return action
    name = f"part-{uuid.uuid4()}.parquet"
    os.link(os.path.join(table, action["add"]["path"]), os.path.join(table, name))
    return {"add": {**action["add"], "path": name}}


def measure_columns(folder, leaves, ingests):
    """The same small ingests into a table of the usual columns and into one with a column for so many leaves."""
    say(f"a table of {leaves:,} leaves")
    wide_message = message_of(leaves)
    results = []
    for name, messages in [("narrow", []), ("wide", [wide_message])]:
        lake = new_lake(folder, f"lake-{name}")
        for message in messages:
            one_by_one(lake, files(folder, "wide-message", [message]))
        taken = one_by_one(lake, weekday_messages(folder, ingests))
        table = deltalake.DeltaTable(os.path.join(lake, "staging/table"))
        sizes = sorted(os.path.getsize(file) for file in table.file_uris())
        results.append(
            {
                "observed": observed_leaves(lake),
                "columns": leaf_count(table.schema().to_json()),
                "ingest_ms": statistics.median(taken),
                "file_bytes": statistics.median(sizes),
                "largest_file_bytes": sizes[-1],
                "message_bytes": len(wide_message) if messages else None,
                "open_ms": median_ms(5, lambda: carelake(lake, "sql", "SELECT 1")),
                "seed_ms": median_ms(5, lambda: carelake(lake, "sql", "SELECT pid.patient_name.given_name FROM staging LIMIT 10")),
            }
        )
    return results


def new_lake(folder, name):
    lake = os.path.join(folder, name)
    shutil.rmtree(lake, ignore_errors=True)
    run(CARELAKE, "init", lake)
    return lake


def one_by_one(lake, folder):
    """Milliseconds of each ingest, as many as there was time for. The files go."""
    taken = [float(line) for line in run(ONE_BY_ONE, lake, folder, str(SECONDS)).output.split()]
    shutil.rmtree(folder)
    return taken


def weekday_messages(folder, count):
    feed = run(TESTKIT, "feed", "--mix", "weekday", "--count", str(count), "--seed", "1", "--line-ends", "lf").output
    return files(folder, "weekday-messages", re.split(r"(?m)^(?=MSH\|)", feed)[1:])


def files(folder, name, messages):
    place = os.path.join(folder, name)
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    for number, message in enumerate(messages):
        with open(os.path.join(place, f"{number:06}.hl7"), "w", encoding="utf-8") as file:
            file.write(message)
    return place


def observed_leaves(lake):
    """Leaf columns of the widest file: a file holds only its own."""
    table = deltalake.DeltaTable(os.path.join(lake, "staging/table"))
    return max(pyarrow.parquet.read_metadata(file).num_columns for file in table.file_uris())


def leaf_count(schema):
    """Types that are neither a struct nor an array, in a Delta schema."""
    return len(re.findall(r'"type":\s*"(?!struct|array)', schema)) + len(re.findall(r'"elementType":\s*"(?!struct|array)', schema))


def message_of(leaves):
    """One message with a value in every position of the standard's segments, as many segments as give so many leaves."""
    components = entries("components.tsv")
    segments, count = ["MSH|^~\\&|WIDE|LAB|||20260101||ADT^A08^ADT_A01|WIDE1|P|" + VERSION, "EVN|A08|20260101", "PID|1||1"], 0
    for segment, fields in entries("fields.tsv").items():
        if segment in ("MSH", "EVN", "BHS", "BTS", "FHS", "FTS", "ADD", "DSC", "PID") or count >= leaves:
            continue
        values = {}
        for number, datatype in fields.items():
            values[number], added = value_of(datatype, components, "^&")
            count += added
        segments.append("|".join([segment] + [values.get(number, "") for number in range(1, max(values) + 1)]))
    return "\r".join(segments) + "\r"


def value_of(datatype, components, separators):
    """A value with every component of a datatype down to the last subcomponent, and how many leaves that are."""
    parts = components.get(datatype, {})
    if not parts or not separators:
        return "V", 1
    values = {number: value_of(part, components, separators[1:]) for number, part in parts.items()}
    texts = [values[number][0] if number in values else "" for number in range(1, max(values) + 1)]
    return separators[0].join(texts), sum(added for _, added in values.values())


def entries(name):
    """Of a table of the dictionary: for each parent its numbers and datatypes in one version."""
    found = {}
    with open(os.path.join(DICTIONARY, name), encoding="utf-8", newline="") as lines:
        for entry in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if is_within(entry["versions"]) and entry["datatype"]:
                found.setdefault(entry["parent"], {})[int(entry["number"])] = entry["datatype"]
    return found


def is_within(versions):
    first, _, last = versions.partition("-")
    return rank(first) <= rank(VERSION) <= rank(last or first)


def rank(version):
    return [int(part) for part in version.split(".")]
