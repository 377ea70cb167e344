"""Servers that are killed with -9 while messages come in: what was acknowledged is there, once.

CARELAKE_KILL_ROUNDS says how often (8; by hand 200 and more), CARELAKE_KILL_SEED repeats the moments of an earlier run.
"""

import collections
import json
import os
import random
import re
import shutil
import time
import unittest
import urllib.request

from cases import LakeTest
from programs import carelake
from senders import Sender, read_ledgers
from servers import Server, mllp_exchange, wait_until

ROUNDS = int(os.environ.get("CARELAKE_KILL_ROUNDS", 8))
SEED = int(os.environ.get("CARELAKE_KILL_SEED", random.randrange(1 << 32)))


class Servers(LakeTest):
    def server(self, name="server", **more):
        server = Server(self.lake, self.folder, name, **more)
        self.addCleanup(server.close)
        return server


class Kill(Servers):
    def test_one_server(self):
        self.kill_and_account([self.server()], ROUNDS)

    def test_two_servers_of_one_lake(self):
        self.kill_and_account([self.server("left"), self.server("right")], max(ROUNDS // 2, 2))

    def kill_and_account(self, servers, rounds):
        print(f"\n{self.id()}: {rounds} rounds, CARELAKE_KILL_SEED={SEED}", flush=True)
        chance = random.Random(SEED)
        for server in servers:
            server.start()
        senders = self.senders(servers)
        for sender in senders:
            sender.start()
        for _ in range(rounds):
            server = chance.choice(servers)
            time.sleep(chance.uniform(0.02, 2.5))
            self.assertTrue(server.kill(), f"{server.name} had ended by itself:\n{server.tail()}")
            if chance.random() < 0.25:
                # While it starts, it finishes what the one before it left.
                server.spawn()
                time.sleep(chance.uniform(0, 0.5))
                self.assertTrue(server.kill(), f"{server.name} ended as it started:\n{server.tail()}")
            server.start()
        for sender in senders:
            sender.finish()
        for server in servers:
            self.assertEqual(server.stop(), 0, server.tail())
        resent = sum(sender.resent for sender in senders)
        broken = sum(sender.broken for sender in senders)
        self.assertGreaterEqual(broken, rounds, "connections break when a server is killed")
        self.account(sum(sender.acked for sender in senders))
        print(f"{sum(sender.acked for sender in senders)} acknowledged, {broken} connections broke, {resent} sent again", flush=True)

    def senders(self, servers):
        mllp = ",".join(server.mllp for server in servers)
        http = ",".join(server.http for server in servers)
        # Ledgers of their own, seeds that give nobody the same control IDs.
        return [
            Sender(self.folder, "one-by-one", 1_000, ["--mllp", mllp, "--connections", "4", "--rate", "100"]),
            Sender(self.folder, "pipelined", 3_000, ["--mllp", mllp, "--connections", "2", "--window", "16", "--rate", "200"]),
            Sender(self.folder, "cut", 5_000, ["--mllp", mllp, "--connections", "1", "--window", "4", "--split", "--rate", "20"]),
            Sender(self.folder, "batches", 7_000, ["--http", http, "--connections", "2", "--batch", "20", "--rate", "200"]),
            Sender(self.folder, "hl7-over-http", 9_000, ["--http", http, "--connections", "2", "--batch", "0", "--rate", "30"]),
        ]

    def account(self, acked):
        """Everything in the ledgers is in staging once, and nothing else is; the lake can prove the rest."""
        ledger = read_ledgers(self.folder)
        self.assertEqual((len(ledger), len(set(ledger))), (acked, acked))
        carelake("verify", "--lake", self.lake)
        staged = collections.Counter(row["control_id"] for row in self.rows("SELECT control_id FROM staging"))
        errors = self.rows("SELECT count(*) AS errors FROM errors")[0]["errors"]
        missing = [control_id for control_id in ledger if control_id not in staged]
        doubled = [control_id for control_id, times in staged.items() if times > 1]
        # A sender sends until it is answered, so that at the end everything that was sent is in a ledger.
        unknown = set(staged) - set(ledger)
        self.assertEqual((missing[:5], doubled[:5], sorted(unknown)[:5], errors), ([], [], [], 0))
        self.assertEqual(len(staged), acked)

    def rows(self, query):
        lines = carelake("sql", "--lake", self.lake, "--format", "ndjson", query).splitlines()
        return [json.loads(line) for line in lines]


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class OrderOfSyscalls(Servers):
    """What survives a kill may still be in memory alone: only the order of syscalls tells that it was on the disk before."""

    def setUp(self):
        super().setUp()
        self.trace = os.path.join(self.folder, "trace")
        calls = "trace=openat,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sendto,sendmsg,rename,renameat,renameat2,linkat"
        # -D: the server itself is our child, and the one who watches goes when it does.
        words = ["strace", "-D", "-f", "-y", "-s", "100000", "-e", calls, "-e", "signal=none", "-o", self.trace]
        self.server = self.server(wrapper=words).start()

    def test_mllp(self):
        [answer] = mllp_exchange(self.server.mllp_port, message("SYNC-MLLP"))
        self.assertRegex(answer, rb"\rMSA\|AA\|SYNC-MLLP[|\r]")
        self.assert_synced_before_answered("SYNC-MLLP", r"MSA\|AA\|SYNC-MLLP")

    def test_hl7_over_http(self):
        self.assertIn(b"MSA|AA|SYNC-HTTP", self.post("/hl7", message("SYNC-HTTP")))
        self.assert_synced_before_answered("SYNC-HTTP", r"HTTP/1\.1 200")

    def test_batch_over_http(self):
        self.assertIn(b'"received"', self.post("/v1/feeds/default/messages", message("SYNC-BATCH-1") + message("SYNC-BATCH-2")))
        self.assert_synced_before_answered("SYNC-BATCH-2", r"HTTP/1\.1 20")

    def post(self, path, body):
        request = urllib.request.Request(f"http://{self.server.http}{path}", body, {"Content-Type": "application/hl7-v2"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read()

    def assert_synced_before_answered(self, control_id, answer):
        calls = []
        wait_until("the answer is in the trace", lambda: calls.extend(read_trace(self.trace)) or any(is_answer(call, answer) for call in calls))
        calls = read_trace(self.trace)
        answered = next(call for call in calls if is_answer(call, answer))
        kept = [
            call
            for call in calls
            if "write" in call.name and call.path.startswith(self.lake) and control_id in call.words and call.began < answered.began
        ]
        self.assertEqual(len(kept), 1, "one write holds the message before it is answered")
        [kept] = kept
        self.assertTrue(self.synced(calls, kept.path, kept.ended, answered.began), "the file was synced between")
        # A new file is safe once its name is: its folder is synced too.
        made = [call for call in calls if call.name == "openat" and "O_CREAT" in call.words and kept.path in call.words]
        self.assertEqual(len(made), 1)
        self.assertTrue(
            self.synced(calls, os.path.dirname(kept.path), made[0].ended, answered.began), "the folder was synced between"
        )

    def synced(self, calls, path, after, before):
        return any(
            call.name in ("fsync", "fdatasync") and call.path == path and call.result == "0" and call.began > after and call.ended < before
            for call in calls
        )


class Call:
    """A syscall: the lines of the trace where it began and ended, the path of its first descriptor."""

    def __init__(self, name, words, began):
        self.name, self.words, self.began, self.ended, self.result = name, words, began, None, None
        found = re.match(r"\d+<([^>]*)>", words)
        self.path = found[1] if found else ""

    def end(self, rest, line):
        self.words, self.ended = self.words + rest, line
        found = re.search(r"\) += (-?\d+)", rest)
        self.result = found[1] if found else None


BEGIN = re.compile(r"^(\d+) +(\w+)\((.*)$", re.DOTALL)
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$", re.DOTALL)
UNFINISHED = " <unfinished ...>"


def read_trace(path):
    """The calls that have ended, in the order they began."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().split("\n")
    calls, open_calls = [], {}
    for number, line in enumerate(lines):
        if found := RESUMED.match(line):
            if call := open_calls.pop(found[1], None):
                call.end(found[3], number)
        elif found := BEGIN.match(line):
            call = Call(found[2], found[3], number)
            calls.append(call)
            if line.endswith(UNFINISHED):
                open_calls[found[1]] = call
            else:
                call.end(found[3], number)
    return [call for call in calls if call.ended is not None]


def is_answer(call, answer):
    return call.path.startswith(("socket:", "TCP")) and re.search(answer, call.words)


def message(control_id):
    text = f"MSH|^~\\&|KILL|LAB|CARELAKE|HUB|20260102030405||ADT^A08^ADT_A01|{control_id}|P|2.5.1\rPID|1||77^^^LAB^MR\r"
    return text.encode()


if __name__ == "__main__":
    unittest.main()
