"""A lake in a bucket: the same doors, the same questions, and nothing on the disk."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
import urllib.request

import boto3

from cases import LakeTest
from programs import carelake
from servers import Server, mllp_exchange, wait_until

BUCKET, PREFIX = "carelake", "hospital/lake"


class Bucket(LakeTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        endpoint = self.start_s3()
        known = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        variables = unittest.mock.patch.dict(os.environ, known)
        variables.start()
        self.addCleanup(variables.stop)
        self.s3 = boto3.client("s3", endpoint_url=endpoint)
        self.lake = f"s3://{BUCKET}/{PREFIX}"
        carelake("init", self.lake)

    def start_s3(self):
        address = os.path.join(self.folder, "address")
        here = os.path.dirname(os.path.abspath(__file__))
        s3 = subprocess.Popen([sys.executable, os.path.join(here, "s3_server.py"), address])
        self.addCleanup(s3.wait)
        self.addCleanup(s3.kill)
        wait_until("the S3 server answers", lambda: os.path.exists(address))
        with open(address, encoding="utf-8") as file:
            return file.read()

    def test_messages_of_every_door_are_safe_and_asked_for_in_sql(self):
        server = Server(self.lake, self.folder)
        self.addCleanup(server.close)
        server.start()
        answers = mllp_exchange(server.mllp_port, *[message(f"MLLP-{number}") for number in range(3)])
        self.assertEqual([answer.split(b"\r")[1][:7] for answer in answers], [b"MSA|AA|"] * 3)
        told = self.post(server, message("HTTP-1") + message("HTTP-2") + message("MLLP-0"))
        self.assertEqual((told["received"], told["duplicate"]), (3, 1), told)
        drop = message("DROP-1")
        self.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/raw/lab/results.hl7", Body=drop)
        everything = ["DROP-1", "HTTP-1", "HTTP-2", "MLLP-0", "MLLP-1", "MLLP-2"]
        wait_until("all can be asked for", lambda: self.control_ids() == everything, within=60)
        self.assertEqual(server.stop(), 0, server.tail())

        # Another start goes on where the first ended.
        server.start()
        mllp_exchange(server.mllp_port, message("MLLP-1"), message("MLLP-9"))
        wait_until("the new one is there, the old one once", lambda: self.control_ids() == [*everything, "MLLP-9"])
        self.assertEqual(server.stop(), 0, server.tail())

        carelake("maintain", "--lake", self.lake)
        carelake("verify", "--lake", self.lake)
        self.assertEqual(self.control_ids(), [*everything, "MLLP-9"])
        [row] = self.rows("SELECT message_id, raw_key, raw_offset, raw_length FROM staging WHERE control_id = 'DROP-1'")
        self.assertEqual(carelake("show", "--lake", self.lake, row["message_id"]), drop.replace(b"\r", b"\n"))
        raw = self.s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{row['raw_key']}")["Body"].read()
        self.assertEqual(raw[row["raw_offset"] :][: row["raw_length"]], drop.rstrip(b"\r"))
        self.assertEqual(os.listdir(self.folder).count("lake"), 0)

    def post(self, server, body):
        request = urllib.request.Request(
            f"http://{server.http}/v1/feeds/default/messages", body, {"Content-Type": "application/hl7-v2"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def control_ids(self):
        return [row["control_id"] for row in self.rows("SELECT control_id FROM staging ORDER BY control_id")]

    def rows(self, query):
        lines = carelake("sql", "--lake", self.lake, "--format", "ndjson", query).splitlines()
        return [json.loads(line) for line in lines]


def message(control_id):
    return f"MSH|^~\\&|ADT|WARD|LAKE|WARD|20260101120000||ADT^A01^ADT_A01|{control_id}|P|2.5.1\rPID|1||{control_id}^^^WARD^MR\r".encode()
