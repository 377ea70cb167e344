"""The HTTP API is what its description says: schemathesis makes requests from `/openapi.json`, right ones and wrong ones, and holds
each answer against it.

CARELAKE_API_EXAMPLES says how many requests are made up for each operation (6), beside those that its schema's borders make.
"""

import json
import os
import subprocess
import sys
import unittest

from cases import LakeTest
from programs import carelake, testkit
from servers import Server

EXAMPLES = os.environ.get("CARELAKE_API_EXAMPLES", "6")
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]


class Api(LakeTest):
    def setUp(self):
        super().setUp()
        feed = testkit("feed", "--mix", "everything", "--count", "20", "--seed", "5")
        carelake("ingest", "--lake", self.lake, "-", input=feed)
        carelake("ingest", "--lake", self.lake, "-", input=b"no message at all")
        scopes = [word for scope in ("ingest", "read", "sql", "admin") for word in ("--scope", scope)]
        self.token = carelake("token", "create", "--lake", self.lake, "--name", "a test", *scopes).decode().strip()
        # More at a time than one machine can send: what is tested is the answers, not the limits.
        more = 'requests_per_second = 100_000\nquery_time_limit = "5s"\n[auth]\nrequired = true\n'
        self.server = Server(self.lake, self.folder, more_config=more)
        self.addCleanup(self.server.close)
        self.server.start()

    def test_answers_are_as_described(self):
        words = ["run", f"http://{self.server.http}/openapi.json", "--checks", ",".join(CHECKS), "--max-examples", EXAMPLES]
        words += ["--phases", "examples,coverage,fuzzing", "--generation-deterministic"]
        words += ["--header", f"Authorization: Bearer {self.token}", "--request-timeout", "30", "--continue-on-failure", "--no-color"]
        # What was made up for it is in api_hooks.py.
        ids = {"messages": self.ids("staging"), "errors": self.ids("errors")}
        hooks = {"SCHEMATHESIS_HOOKS": "api_hooks", "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))}
        done = subprocess.run(
            [os.path.join(os.path.dirname(sys.executable), "schemathesis"), *words],
            cwd=self.folder,
            env={**os.environ, **hooks, "CARELAKE_API_IDS": json.dumps(ids)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self.assertEqual(done.returncode, 0, done.stdout[-60_000:])
        self.assertEqual(self.server.stop(), 0, self.server.tail())
        carelake("verify", "--lake", self.lake)

    def ids(self, table):
        lines = carelake("sql", "--lake", self.lake, "--format", "ndjson", f"SELECT message_id FROM {table} LIMIT 5").splitlines()
        self.assertGreater(len(lines), 0)
        return [json.loads(line)["message_id"] for line in lines]


if __name__ == "__main__":
    unittest.main()
