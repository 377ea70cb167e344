"""Senders that go on and on, each with a ledger of what was acknowledged."""

import glob
import json
import os
import subprocess
import threading

from programs import BUILT


class Sender(threading.Thread):
    """Runs of `testkit send` one after the other, each with control IDs of its own, until it is told to finish."""

    def __init__(self, folder, name, first_seed, words):
        super().__init__(name=name, daemon=True)
        self.folder, self.first_seed, self.words = folder, first_seed, words
        self.is_finishing = threading.Event()
        self.acked, self.resent, self.broken, self.problem = 0, 0, 0, None

    def run(self):
        seed = self.first_seed
        while not self.is_finishing.is_set() and self.problem is None:
            ledger = os.path.join(self.folder, f"{self.name}-{seed}.ledger")
            done = subprocess.run(
                [os.path.join(BUILT, "testkit"), "send", "--json", "--seed", str(seed), "--seconds", "2", "--ledger", ledger]
                + ["--patience", "120", *self.words],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            if done.returncode != 0:
                self.problem = f"{self.name}, seed {seed}: {done.stderr.strip()}"
            else:
                report = json.loads(done.stdout)
                self.acked += report["acked"]
                self.resent += report["resent"]
                self.broken += report["broken_connections"]
            seed += 1

    def finish(self):
        """Waits until everything that was begun is acknowledged; complains of what went wrong."""
        self.is_finishing.set()
        self.join()
        if self.problem:
            raise AssertionError(self.problem)


def read_ledgers(folder):
    """The control IDs of every message that was acknowledged, in all ledgers of a folder."""
    ids = []
    for path in glob.glob(os.path.join(folder, "*.ledger")):
        with open(path, encoding="utf-8") as lines:
            ids += [line.split("\t")[0] for line in lines]
    return ids
