"""A copy of a lake that is written to while the copy is taken, restored, has all that was in it, and proves it."""

import json
import os
import subprocess
import tempfile
import threading
import unittest

from programs import BUILT, ROOT, carelake, testkit

ROW = "SELECT message_id, feed, received_at, raw_key, raw_offset, sha256, control_id FROM staging ORDER BY message_id"
ERROR = "SELECT message_id, feed, received_at, code, raw_key, raw_offset FROM errors ORDER BY message_id"


class TestBackup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.lake, feed = os.path.join(self.folder, "lake"), os.path.join(self.folder, "feed")
        testkit("demo", feed)
        carelake("init", self.lake)
        carelake("ingest", "--lake", self.lake, feed, stderr=subprocess.DEVNULL)
        self.copy, self.restored = os.path.join(self.folder, "copy"), os.path.join(self.folder, "restored")

    def back_up(self):
        subprocess.run([os.path.join(ROOT, "deploy/backup.sh"), self.lake, self.copy], check=True)

    def restore(self):
        """The last line of the proof: counts by what became of the messages."""
        restore = [os.path.join(ROOT, "deploy/restore.sh"), self.copy, self.restored]
        environment = {**os.environ, "CARELAKE": os.path.join(BUILT, "carelake")}
        done = subprocess.run(restore, env=environment, stdout=subprocess.PIPE, check=True)
        return done.stdout.decode().splitlines()[-1]

    def rows(self, lake, query):
        lines = carelake("sql", "--lake", lake, "--format", "ndjson", query).splitlines()
        return {row["message_id"]: row for row in map(json.loads, lines)}

    def test_a_lake_at_rest_is_restored_as_it_was(self):
        before = carelake("verify", "--lake", self.lake).decode().splitlines()[-1]
        self.back_up()
        self.assertFalse(os.path.exists(os.path.join(self.copy, "staging")))
        self.assertEqual(self.restore(), before)
        for query in [ROW, ERROR]:
            rows = self.rows(self.lake, query)
            self.assertTrue(rows)
            self.assertEqual(self.rows(self.restored, query), rows)

    def test_what_was_there_when_the_copy_began_is_in_it_whoever_writes_meanwhile(self):
        before, errors = self.rows(self.lake, ROW), self.rows(self.lake, ERROR)
        done = threading.Event()
        feed = testkit("feed", "--mix", "weekday", "--count", "300", "--seed", "9").split(b"MSH|")[1:]

        def write():
            for number, message in enumerate(feed):
                if done.is_set():
                    break
                name = os.path.join(self.folder, f"{number}.hl7")
                with open(name, "wb") as file:
                    file.write(b"MSH|" + message)
                carelake("ingest", "--lake", self.lake, "--feed", "meanwhile", name)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            self.back_up()
        finally:
            done.set()
            writer.join()
        self.restore()
        rows = self.rows(self.restored, ROW)
        self.assertEqual({key: rows.get(key) for key in before}, before)
        self.assertEqual(self.rows(self.restored, ERROR), errors)
        # And it is a lake like others: what the copy came too early for is brought once more, and is there once.
        for number in range(len(feed)):
            name = os.path.join(self.folder, f"{number}.hl7")
            if not os.path.exists(name):
                break
            carelake("ingest", "--lake", self.restored, "--feed", "meanwhile", name)
        self.assertEqual(set(self.rows(self.restored, ROW)), set(self.rows(self.lake, ROW)))


if __name__ == "__main__":
    unittest.main()
