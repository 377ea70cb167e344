"""No value of a message leaves the lake by another way than an answer that shows messages: names that stand nowhere else are sent
through every door, every kind of error is made, and none of the names is in a log, a metric, a trace or the body of an error."""

import gzip
import json
import os
import threading
import unittest
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cases import LakeTest
from programs import carelake
from servers import Server, mllp_exchange, wait_until

class Collector(ThreadingHTTPServer):
    """Takes what is sent by OTLP over HTTP, and keeps the bytes."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Taking)
        self.bodies = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Canary(LakeTest):
    def setUp(self):
        super().setUp()
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        more = f'\n[traces]\notlp_endpoint = "http://127.0.0.1:{self.collector.server_port}"\nsample = 1.0\n'
        more += '\n[logs]\nlevel = "trace"\n\n[feeds.strict]\nstrict = true\nacknowledge = "converted"\nsenders = ["STRICT"]\n'
        self.server = Server(self.lake, self.folder, more_config=more)
        self.addCleanup(self.server.close)
        self.server.start()
        self.canaries = []
        # Bodies of errors and answers that say what became of a message, but are not the message.
        self.told = []

    def canary(self):
        self.canaries.append(f"QUIXOTRY{len(self.canaries):04}X")
        return self.canaries[-1]

    def message(self, application="LAB", **more):
        name, address = self.canary(), self.canary()
        segments = [
            f"MSH|^~\\&|{application}|WEST|LAKE|HQ|20260102||ADT^A08^ADT_A01|{more.get('control_id', 'C1')}|P|2.5",
            f"PID|1||{self.canary()}^^^MRN||{name}^{self.canary()}||19800101|F|||{address}",
            f"NTE|1||{self.canary()}",
            f"ZZZ|{self.canary()}",
        ]
        return "\r".join(segments).encode() + b"\r"

    def post(self, path, body, kind="application/hl7-v2", **headers):
        headers = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
        request = urllib.request.Request(f"http://{self.server.http}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def refused(self, path, body, *kind, **headers):
        status, answer = self.post(path, body, *kind, **headers)
        self.assertGreaterEqual(status, 400, (path, answer[:200]))
        self.told.append(answer)

    def test_no_name_is_told(self):
        self.by_mllp()
        self.by_http()
        self.by_folder()
        with urllib.request.urlopen(f"http://{self.server.http}/metrics", timeout=60) as metrics:
            self.told.append(metrics.read())
        self.assertEqual(self.server.stop(), 0, self.server.tail())
        with open(self.server.log, "rb") as log:
            self.told.append(log.read())
        carelake("verify", "--lake", self.lake)
        traces = b"".join(self.collector.bodies)
        for name in [b"mllp message", b"durable", b"commit", b"sql", b"POST /v1/feeds/{feed}/messages", b"GET /v1/messages/{id}"]:
            self.assertIn(name, traces)
        self.told.append(traces)
        # The test can fail: what shows messages has them.
        shown = carelake("sql", "--lake", self.lake, "--format", "ndjson", "SELECT raw FROM staging")
        rows = [bytes.fromhex(json.loads(line)["raw"]) for line in shown.splitlines()]
        staged = b"".join(rows)
        self.assertGreater(sum(canary.encode() in staged for canary in self.canaries), 12)
        for told in self.told:
            for canary in self.canaries:
                place = told.upper().find(canary.encode())
                self.assertEqual(place, -1, told[max(place - 200, 0) : place + 100])

    def test_a_collector_that_is_not_there_is_told_of_once(self):
        self.collector.close()
        answers = [mllp_exchange(self.server.mllp_port, self.message(control_id=f"N{number}"))[0] for number in range(3)]
        for answer in answers:
            self.assertIn(b"MSA|AA|N", answer)
        warning = "traces cannot be sent"
        wait_until("the log says that traces cannot be sent", lambda: warning in self.server.tail())
        mllp_exchange(self.server.mllp_port, self.message(control_id="N3"))
        self.assertEqual(self.server.stop(), 0, self.server.tail())
        with open(self.server.log, encoding="utf-8") as log:
            self.assertEqual(log.read().count(warning), 1)

    def by_mllp(self):
        port = self.server.mllp_port
        strict = self.message("STRICT").replace(b"\rPID|1|", b"\rPID|ONE|")
        bodies = [self.message(), strict, self.canary().encode(), b"MSH|" + self.canary().encode(), b"PID|1|" + self.canary().encode()]
        self.told += mllp_exchange(port, *bodies)
        self.assertIn(b"MSA|AA|C1", self.told[0])
        self.assertIn(b"MSA|AE|C1", self.told[1])

    def by_http(self):
        feed = "/v1/feeds/strict/messages"
        status, answer = self.post("/v1/feeds/default/messages?wait=staged", self.message(control_id="C2"))
        self.assertEqual(status, 200, answer)
        self.told.append(answer)
        _, answer = self.post(feed + "?wait=staged", self.message("STRICT").replace(b"\rPID|1|", b"\rPID|ONE|"))
        self.told.append(answer)
        _, answer = self.post("/hl7/strict", self.message("STRICT").replace(b"\rPID|1|", b"\rPID|TWO|"))
        self.told.append(answer)
        name = self.canary
        self.told.append(self.post(feed, name().encode())[1])
        self.refused(feed, self.message(), "application/pdf")
        self.refused(feed, self.message(), Content_Encoding="gzip")
        self.refused(feed, gzip.compress(self.message())[:-9], Content_Encoding="gzip")
        self.refused(feed, self.message(), Content_Encoding=name())
        self.refused(f"/v1/feeds/{name()}/messages", self.message())
        self.refused(f"/v1/{name()}", self.message())
        self.refused("/v1/validate?version=" + name(), b"MSH" + name().encode())
        for question in [f"SELECT {name()} FROM staging", f"SELECT '{name()}", f"SELECT CAST('{name()}' AS INT)", f"SELECT * FROM {name()}"]:
            # Names that one asks for oneself may be in the answer, not in the log.
            status, _ = self.post("/v1/sql", json.dumps({"query": question}).encode(), "application/json")
            self.assertGreaterEqual(status, 200)
        for path in ["/v1/messages/" + name(), "/v1/errors/" + name(), "/v1/messages?mrn=x&from=" + name(), "/v1/catalog/" + name()]:
            request = urllib.request.Request(f"http://{self.server.http}{path}")
            with self.assertRaises(urllib.error.HTTPError) as raised:
                urllib.request.urlopen(request, timeout=60)
            with raised.exception as error:
                self.told.append(error.read())

    def by_folder(self):
        drops = os.path.join(self.lake, "raw", "north")
        os.makedirs(drops, exist_ok=True)
        for number, content in enumerate([self.message(control_id="C3"), self.canary().encode()]):
            with open(os.path.join(drops, f"{self.canary()}-{number}.hl7"), "wb") as file:
                file.write(content)
        os.makedirs(os.path.join(self.lake, "raw", f"no feed {self.canary()}"))
        with open(os.path.join(self.lake, "raw", f"no feed {self.canaries[-1]}", "x.hl7"), "wb") as file:
            file.write(self.message())

        def is_taken():
            status, answer = self.post("/v1/sql", b'{"query": "SELECT count(*) AS n FROM receipts WHERE feed = \'north\'"}', "application/json")
            return status == 200 and json.loads(answer)["rows"] == [{"n": 2}]

        wait_until("files that were dropped are taken up", is_taken, within=60)


if __name__ == "__main__":
    unittest.main()
