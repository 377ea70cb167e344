"""Many connections that say nothing, and some that misbehave: those that send are answered, all is counted, and what each takes is bounded.

CARELAKE_CONNECTIONS says how many are silent (300; by hand 10000, with as many open files allowed: `ulimit -n`).
"""

import json
import os
import re
import resource
import socket
import subprocess
import threading
import unittest
import urllib.request

from cases import LakeTest
from programs import BUILT, carelake
from servers import Server, mllp_exchange, wait_until

SILENT = int(os.environ.get("CARELAKE_CONNECTIONS", 300))
ACTIVE, SLOW, DEAF = 16, 20, 2
MESSAGES = 1_600
# A connection that is silent takes less; the rest is what the server may need for the messages.
MOST_BYTES_EACH, MOST_BYTES_ELSE = 50_000, 400_000_000


class Many(LakeTest):
    def setUp(self):
        super().setUp()
        # Both the server and those who connect need a file for each connection.
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = SILENT + 1_000
        if hard < wanted:
            self.skipTest(f"{wanted} open files are needed, {hard} are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def start(self, more):
        self.server = Server(self.lake, self.folder, more_mllp=more)
        self.addCleanup(self.server.close)
        self.server.start()

    def test_silent_ones_are_held_while_others_are_answered(self):
        self.start(f"max_connections = {SILENT + ACTIVE}\n")
        before = self.memory()
        silent = self.abuse("connections", SILENT, 30 + SILENT // 200)
        wait_until("all are open", lambda: self.metric("connections") == SILENT, within=60)
        held = self.memory()
        report = self.send(MESSAGES)
        self.assertEqual((report["acked"], report["broken_connections"]), (MESSAGES, 0))
        self.assertEqual(self.metric("acknowledged_total"), MESSAGES)
        # The door is full: one more than it takes is closed, and counted, and the others stay.
        extra = self.abuse("connections", ACTIVE + 5, 2)
        self.assertGreaterEqual(self.outcome(extra)["ended_by_server"], 5)
        self.assertGreaterEqual(self.metric("connections_refused_total"), 5)
        told = self.outcome(silent)
        self.assertEqual((told["opened"], told["most_open"], told["ended_by_server"]), (SILENT, SILENT, 0))
        wait_until("all are closed", lambda: self.metric("connections") == 0)
        each = (held - before) / SILENT
        print(f"\n{SILENT} silent connections: {before / 1e6:.1f} MB before, {held / 1e6:.1f} MB with them, {each / 1e3:.1f} kB each")
        self.assertLess(each, MOST_BYTES_EACH)
        self.is_right(MESSAGES)

    def test_those_that_misbehave_are_ended_and_others_are_answered(self):
        self.start('read_timeout = "2s"\n')
        before = self.memory()
        slow, junk, halves = self.abuse("slowloris", SLOW, 8), self.abuse("junk", 4, 8), self.abuse("halfframe", 4, 8)
        deaf = [Deaf(self.server.mllp_port, number) for number in range(DEAF)]
        report = self.send(MESSAGES)
        self.assertEqual((report["acked"], report["broken_connections"]), (MESSAGES, 0))
        memory = max(before, self.memory())
        for one in deaf:
            one.join()
            self.assertTrue(one.is_ended, f"after {one.sent} bytes it was still listened to")
        told = {name: self.outcome(process) for name, process in [("slow", slow), ("junk", junk), ("halves", halves)]}
        # Each of them comes again, and is ended again.
        self.assertGreaterEqual(told["slow"]["ended_by_server"], SLOW)
        self.assertGreater(self.metric("skipped_bytes_total"), 0)
        wait_until("all are closed", lambda: self.metric("connections") == 0)
        print(f"\nmisbehaving connections: {before / 1e6:.1f} MB before, {memory / 1e6:.1f} MB with them; {told}; deaf ones sent {[one.sent for one in deaf]} bytes")
        self.assertLess(memory - before, MOST_BYTES_ELSE)
        self.is_right()

    def send(self, messages):
        words = ["send", "--mllp", self.server.mllp, "--connections", str(ACTIVE), "--messages", str(messages), "--json", "--seed", "77"]
        done = subprocess.run([os.path.join(BUILT, "testkit"), *words], stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def abuse(self, kind, count, seconds):
        words = ["abuse", "--kind", kind, "--mllp", self.server.mllp, "--count", str(count), "--seconds", str(seconds)]
        process = subprocess.Popen([os.path.join(BUILT, "testkit"), *words], stdout=subprocess.PIPE, encoding="utf-8")
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process

    def outcome(self, process):
        told = process.communicate()[0]
        self.assertEqual(process.returncode, 0)
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", told)}

    def memory(self):
        """Bytes that the server has in memory."""
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) * 1024

    def metric(self, name):
        """The sum over all doors and feeds."""
        with urllib.request.urlopen(f"http://{self.server.http}/metrics", timeout=60) as metrics:
            lines = metrics.read().decode()
        return sum(float(value) for value in re.findall(rf"^carelake_{name}(?:{{.*}})? (\S+)$", lines, re.MULTILINE))

    def is_right(self, messages=None):
        """The server lives, answers, and ends when it is told to; what it took is there once."""
        [answer] = mllp_exchange(self.server.mllp_port, b"MSH|^~\\&|MANY|LAB|LAKE|HQ|20260102||ADT^A08|LAST|P|2.5\rPID|1\r")
        self.assertIn(b"MSA|AA|LAST", answer)
        self.assertEqual(self.server.stop(), 0, self.server.tail())
        carelake("verify", "--lake", self.lake)
        [counts] = carelake("sql", "--lake", self.lake, "--format", "ndjson", COUNTS).splitlines()
        counts = json.loads(counts)
        self.assertEqual(counts["rows"], counts["ids"])
        if messages is not None:
            self.assertEqual(counts["rows"], messages + 1)


class Deaf(threading.Thread):
    """Sends message after message and reads no answer, with hardly any room for them, until the server hangs up."""

    MOST = 64 << 20

    def __init__(self, port, number):
        super().__init__(daemon=True)
        self.number, self.sent, self.is_ended = number, 0, False
        self.connection = socket.socket()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.connection.connect(("127.0.0.1", port))
        self.connection.settimeout(60)
        self.start()

    def run(self):
        # The answer is as long as the message: it repeats the control ID.
        with self.connection:
            for turn in range(self.MOST >> 11):
                control_id = f"DEAF-{self.number}-{turn}-".ljust(2_000, "X")
                try:
                    self.connection.sendall(b"\x0bMSH|^~\\&|DEAF|LAB|LAKE|HQ|20260102||ADT^A08|%s|P|2.5\r\x1c\r" % control_id.encode())
                except ConnectionError:
                    self.is_ended = True
                    return
                self.sent += 2_048


COUNTS = 'SELECT count(*) AS "rows", count(DISTINCT message_id) AS "ids" FROM staging'

if __name__ == "__main__":
    unittest.main()
