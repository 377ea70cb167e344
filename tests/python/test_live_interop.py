"""Clients that hospitals have: each sends a message of its own and must read its acknowledgment."""

import json
import os
import subprocess
import sysconfig
import tempfile
import unittest

from programs import BUILT, ROOT, carelake
from servers import Server

DRIVERS = os.path.join(ROOT, "tests/interop")
NODE_MODULES = os.path.join(os.path.dirname(BUILT), "node/node_modules")


class Interop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.lake = os.path.join(cls.folder, "lake")
        carelake("init", cls.lake)
        cls.server = Server(cls.lake, cls.folder)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        answer = carelake("sql", "--lake", cls.lake, "--format", "ndjson", "SELECT control_id FROM staging WHERE sending_application = 'INTEROP'")
        staged = sorted(json.loads(line)["control_id"] for line in answer.splitlines())
        assert code == 0, cls.server.tail()
        assert staged == ["MEDPLUM-1", "NODE-1", "PY-1", "PY-2", "SIMPLE-1"], staged

    def test_python_hl7(self):
        path = os.path.join(self.folder, "messages.hl7")
        with open(path, "wb") as file:
            for control_id in ["PY-1", "PY-2"]:
                segments = [f"MSH|^~\\&|INTEROP|LAB|CARELAKE|HUB|20260102030405||ADT^A08^ADT_A01|{control_id}|P|2.5.1", "PID|1||77"]
                file.write(b"\x0b" + "\r".join(segments).encode() + b"\r\x1c\r")
        mllp_send = os.path.join(sysconfig.get_path("scripts"), "mllp_send")
        words = [mllp_send, "--file", path, "--port", str(self.server.mllp_port), "127.0.0.1"]
        printed = subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=60).stdout
        acknowledged = [line.split(b"|")[1:3] for line in printed.replace(b"\n", b"\r").split(b"\r") if line.startswith(b"MSA|")]
        self.assertEqual(acknowledged, [[b"AA", b"PY-1"], [b"AA", b"PY-2"]])

    def test_node_hl7_client(self):
        self.assertEqual(self.drive("node_hl7_client.js", "NODE-1"), "AA NODE-1\n")

    def test_simple_hl7(self):
        self.assertEqual(self.drive("simple_hl7.js", "SIMPLE-1"), "AA SIMPLE-1\n")

    def test_medplum(self):
        self.assertEqual(self.drive("medplum.js", "MEDPLUM-1"), "AA MEDPLUM-1\n")

    def drive(self, driver, control_id):
        words = ["node", os.path.join(DRIVERS, driver), str(self.server.mllp_port), control_id]
        environment = {**os.environ, "NODE_PATH": NODE_MODULES}
        return subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=60, env=environment, encoding="utf-8").stdout


if __name__ == "__main__":
    unittest.main()
