"""What schemathesis cannot make up: names and ids that are there, messages, and SQL. Every second request gets such a value in one place
or in all; the others stay as they were made up, for they find what is not there, and what is no message.

Loaded by schemathesis (SCHEMATHESIS_HOOKS); the ids come by CARELAKE_API_IDS, as JSON."""

import itertools
import json
import os

import schemathesis

IDS = json.loads(os.environ["CARELAKE_API_IDS"])
TURNS = itertools.count()

MESSAGE = "MSH|^~\\&|API|LAB|LAKE|HQ|20260102||ADT^A08^ADT_A01|A%d|P|2.5.1\rPID|1||77^^^LAB^MR||Stone^Ann\r"
BODIES = [MESSAGE, MESSAGE * 3, "no message", "MSH|^~\\&|\r", MESSAGE + "MSH|^~\\", "\x0b" + MESSAGE + "\x1c\r", "FHS|^~\\&|A\r" + MESSAGE + "FTS|1\r", ""]
QUESTIONS = [
    "SELECT control_id, pid.patient_name FROM staging",
    "SELECT * FROM staging LIMIT 2",
    "SELECT * FROM receipts",
    "SELECT * FROM errors",
    "SELECT * FROM segments.pid",
    "SHOW TABLES",
    "SELECT no_such_name FROM staging",
    "SELECT 1 / 0",
    "DROP TABLE staging",
    "SELECT",
    "SELECT count(*) FROM staging a, staging b, staging c, staging d",
]
NAMES = {
    "table": ["staging", "errors", "receipts", "segments.pid", "ops.feeds"],
    "zone": ["raw", "staging", "error", "refined", "audit"],
    "feed": ["default", "lab"],
}
QUERIES = {
    "as": ["er7", "json", "leaves", "raw"],
    "shape": ["tree", "flat"],
    "names": ["canonical", "standard", "short"],
    "strict": ["true", "false"],
    "wait": ["staged"],
    "type": ["ADT", "ADT^A01", "ORU"],
    "from": ["2026-01-01", "2026-01-01T00:00:00Z"],
    "limit": ["1", "1000"],
    "code": ["no_message", "truncated_header"],
    "feed": ["default"],
}


@schemathesis.hook
def before_call(context, case, kwargs):
    turn = next(TURNS)
    if turn % 2:
        return
    pick = lambda values: values[turn // 2 % len(values)]
    for name in case.path_parameters or {}:
        known = NAMES.get(name) or IDS["errors" if "/errors/" in case.path else "messages"]
        case.path_parameters[name] = pick(known)
    for name in list(case.query or {}):
        if name in QUERIES:
            case.query[name] = pick(QUERIES[name])
    if case.method.upper() != "POST" or case.media_type == "multipart/form-data":
        return
    if case.path == "/v1/sql":
        question = pick(QUESTIONS)
        case.body = {**(case.body if isinstance(case.body, dict) else {}), "query": question} if "json" in (case.media_type or "") else question
    elif "json" in (case.media_type or ""):
        case.body = pick([{"ids": IDS["errors"][:1]}, {"ids": ["0" * 32]}, {}])
    elif isinstance(case.body, (str, bytes, list)):
        text = pick(BODIES)
        case.body = text.replace("%d", str(turn)) if isinstance(case.body, str) else text.encode()
