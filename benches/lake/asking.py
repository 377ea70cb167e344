"""How long answers take: inside a running engine, from the command line, and in DuckDB over the same Parquet files."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import deltalake
import duckdb

from programs import CARELAKE, carelake, median_ms, run, say

TIMES = 9


@dataclass
class Question:
    what: str
    ours: str
    duckdb: str


QUESTIONS = [
    Question(
        "the seed query, LIMIT 100",
        "SELECT msh.message_control_id, pid.set_id_patient_id, pid.patient_name.given_name, pid.patient_name.family_name FROM staging LIMIT 100",
        "SELECT msh.message_control_id, pid.set_id_pid, pid.patient_name[1].given_name, pid.patient_name[1].family_name.surname FROM staging LIMIT 100",
    ),
    Question(
        "count by message type",
        "SELECT message_type, count(*) AS messages FROM staging GROUP BY message_type",
        "SELECT message_type, count(*) AS messages FROM staging GROUP BY message_type",
    ),
    Question(
        "count by sex, a leaf of a struct",
        "SELECT pid.administrative_sex AS sex, count(*) AS messages FROM staging GROUP BY sex",
        "SELECT pid.administrative_sex.identifier AS sex, count(*) AS messages FROM staging GROUP BY sex",
    ),
    Question(
        "count by type of result, a leaf of a list of structs",
        "SELECT value_type, count(*) AS results FROM segments.obx GROUP BY value_type",
        "SELECT result.value_type, count(*) AS results FROM (SELECT unnest(obx) AS result FROM staging) GROUP BY ALL",
    ),
    Question(
        "one message by its ID",
        "SELECT control_id, message_type FROM staging WHERE message_id = '{id}'",
        "SELECT control_id, message_type FROM staging WHERE message_id = '{id}'",
    ),
]


def measure(lake, times=TIMES):
    """For each question: our first and median, DuckDB's first and median, in ms, all in one process each."""
    say("asking")
    ids = message_ids(lake)
    ours, theirs = Prompt(lake), Duckdb(lake)
    rows = []
    for question in QUESTIONS:
        mine, other = (text.format(id=ids[0]) for text in [question.ours, question.duckdb])
        # Once on the command line, so that the session need not say where an answer ends.
        expected = carelake(lake, "sql", "--format", "ndjson", mine).output.splitlines()
        taken = [ours.ask(mine, len(expected)) for _ in range(times)]
        taken_there = [theirs.ask(other) for _ in range(times)]
        if len(expected) != len(theirs.answer):
            sys.exit(f"error: {question.what}: {len(expected)} rows here, {len(theirs.answer)} in DuckDB")
        rows.append((question.what, taken[0], statistics.median(taken), taken_there[0], statistics.median(taken_there)))
    ours.close()
    return rows


def start_up(lake, times=5):
    """The command line's own start beside whole runs of it, in ms."""
    say("starting the command line")
    ids = message_ids(lake)
    return [
        ("`carelake --version`", median_ms(times, lambda: run(CARELAKE, "--version"))),
        ("`carelake sql \"SELECT 1\"`", median_ms(times, lambda: carelake(lake, "sql", "SELECT 1"))),
        ("`carelake sql`, the seed query, LIMIT 100", median_ms(times, lambda: carelake(lake, "sql", QUESTIONS[0].ours))),
        *[(f"`carelake show`, {where}", show_ms(lake, message, times)) for where, message in zip(["a first message", "one in the middle", "a last one"], ids)],
    ]


def show_ms(lake, message, times):
    return median_ms(times, lambda: carelake(lake, "show", message))


def message_ids(lake):
    """The first, the middle and the last, by place in the raw zone."""
    count = int(scalar(lake, "SELECT count(*) FROM staging"))
    place = "SELECT message_id FROM staging WHERE sequence = {}"
    return [scalar(lake, place.format(number)) for number in [1, count // 2, count]]


def scalar(lake, query):
    return carelake(lake, "sql", "--format", "csv", query).output.splitlines()[1]


class Prompt:
    """A session of `carelake sql`: questions through a pipe, answers back."""

    def __init__(self, lake):
        words = [CARELAKE, "sql", "--format", "ndjson", "--lake", lake]
        self.session = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.ask("SELECT 1", 1)

    def ask(self, query, lines):
        began = time.perf_counter()
        self.session.stdin.write(f"{query};\n".encode())
        self.session.stdin.flush()
        for _ in range(lines):
            if not self.session.stdout.readline():
                sys.exit("error: the session ended before it answered")
        return (time.perf_counter() - began) * 1000

    def close(self):
        self.session.stdin.close()
        self.session.wait()


class Duckdb:
    """A connection with a view over the files that the table's log names, on as many threads as there are cores."""

    def __init__(self, lake):
        files = deltalake.DeltaTable(os.path.join(lake, "staging/table")).file_uris()
        listed = ", ".join(f"'{file}'" for file in files)
        self.connection = duckdb.connect(config={"threads": os.cpu_count()})
        self.connection.execute(f"CREATE VIEW staging AS SELECT * FROM read_parquet([{listed}], union_by_name = true)")

    def ask(self, query):
        began = time.perf_counter()
        self.answer = self.connection.execute(query).fetchall()
        return (time.perf_counter() - began) * 1000
