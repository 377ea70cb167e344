"""What is observed while a load runs: how soon messages are in SQL, and how much memory the server takes."""

import datetime
import socket
import statistics
import threading
import time

PROBE_EVERY = 0.5
ASK_EVERY = 0.1
GIVE_UP_AFTER = 60


class Freshness(threading.Thread):
    """Sends a message of its own now and then, and asks for it until it is there: from its acknowledgment to a row."""

    count = 0

    def __init__(self, serving):
        super().__init__(daemon=True)
        self.serving, self.seconds, self.is_over = serving, [], threading.Event()
        self.can_ask = serving.ask("SELECT 1 AS one") is not None

    def run(self):
        if not self.can_ask:
            return
        host, port = self.serving.mllp.split(":")
        with socket.create_connection((host, int(port)), timeout=GIVE_UP_AFTER) as connection:
            while not self.is_over.is_set():
                self.probe(connection)
                self.is_over.wait(PROBE_EVERY)

    def probe(self, connection):
        Freshness.count += 1
        control_id = f"PROBE{Freshness.count}"
        text = f"MSH|^~\\&|PROBE|LIVE|||20260102030405||ADT^A08^ADT_A01|{control_id}|P|2.5.1\rPID|1\r"
        connection.sendall(b"\x0b" + text.encode() + b"\x1c\r")
        answer = b""
        while b"\x1c\r" not in answer:
            answer += connection.recv(4096) or b"\x1c\r"
        acknowledged = time.monotonic()
        # As who watches a feed asks: for what is new. Of files that are older nothing is read.
        since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=10)
        question = f"SELECT control_id FROM staging WHERE control_id = '{control_id}' AND received_at >= TIMESTAMP '{since:%Y-%m-%d %H:%M:%S}'"
        while time.monotonic() - acknowledged < GIVE_UP_AFTER:
            if self.serving.ask(question):
                break
            time.sleep(ASK_EVERY)
        self.seconds.append(time.monotonic() - acknowledged)

    def finish(self):
        """p50 and p99 in seconds; nothing without an answer."""
        self.is_over.set()
        self.join()
        if not self.seconds:
            return None, None
        ordered = sorted(self.seconds)
        return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


class Memory(threading.Thread):
    """Samples the resident set."""

    def __init__(self, serving, every):
        super().__init__(daemon=True)
        self.serving, self.every, self.samples, self.is_over = serving, every, [], threading.Event()

    def run(self):
        began = time.monotonic()
        while not self.is_over.wait(self.every):
            self.samples.append((time.monotonic() - began, self.serving.memory_mb()))

    def finish(self):
        """The samples, and by how many MB an hour they rise in the second half, when everything is warm; nothing if they are too few."""
        self.is_over.set()
        self.join()
        later = self.samples[len(self.samples) // 2 :]
        if len(later) < 5:
            return self.samples, None
        slope = statistics.linear_regression(*zip(*later)).slope
        return self.samples, slope * 3600
