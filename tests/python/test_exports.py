"""Every format of an answer holds what the answer does: the small lake's staging table, read back value by value."""

import csv
import io
import json
import tempfile
import unittest

import polars
import pyarrow as pa
import pyarrow.parquet

from canonical import differing_places, row_texts, table_hash
from lakes import make_small
from programs import carelake
from readers import DeltalakeArrow

KEY = "message_id"


class TestExports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.lake = make_small(cls.folder.name)
        # By another reader: what is compared with must not be of our making.
        cls.table = DeltalakeArrow().read(cls.lake, "staging")
        cls.rows = {row[KEY]: row for row in cls.table.to_pylist()}

    def export(self, format, query="SELECT * FROM staging"):
        return carelake("sql", "--lake", self.lake, "--format", format, query)

    def test_parquet(self):
        self.assert_same(pa.parquet.read_table(io.BytesIO(self.export("parquet"))))

    def test_parquet_as_polars_reads_it(self):
        self.assert_same(polars.read_parquet(io.BytesIO(self.export("parquet"))).to_arrow())

    def test_arrow(self):
        self.assert_same(pa.ipc.open_stream(self.export("arrow")).read_all())

    def test_ndjson(self):
        self.assert_same_objects([json.loads(line) for line in self.export("ndjson").splitlines()])

    def test_json(self):
        self.assert_same_objects(json.loads(self.export("json")))

    def test_csv(self):
        csv.field_size_limit(1 << 30)
        rows = list(csv.DictReader(io.StringIO(self.export("csv").decode(), newline="")))
        self.assertEqual(sorted(row[KEY] for row in rows), sorted(self.rows))
        for row in rows:
            ours = self.rows[row[KEY]]
            self.assertEqual(list(row), list(ours))
            for column, text in row.items():
                self.assertTrue(is_csv_of(ours[column], text), f"{column} ({KEY} {row[KEY]})")

    def test_no_rows(self):
        query = "SELECT control_id, pid FROM staging WHERE 1 = 0"
        self.assertEqual(self.export("csv", query), b"control_id,pid\n")
        self.assertEqual(self.export("ndjson", query), b"")
        self.assertEqual(json.loads(self.export("json", query)), [])
        for table in [
            pa.ipc.open_stream(self.export("arrow", query)).read_all(),
            pa.parquet.read_table(io.BytesIO(self.export("parquet", query))),
        ]:
            self.assertEqual((table.num_rows, table.column_names), (0, ["control_id", "pid"]))

    def assert_same(self, table):
        if table_hash(table) != table_hash(self.table):
            self.fail("\n".join(differing_places(self.table, table, KEY)[:20]))
        self.assertEqual(len(row_texts(table)), len(self.rows))

    def assert_same_objects(self, objects):
        self.assertEqual(sorted(row[KEY] for row in objects), sorted(self.rows))
        for row in objects:
            self.assertEqual(pruned(row), pruned(self.rows[row[KEY]]), f"{KEY} {row[KEY]}")


def pruned(value):
    """Without members that are NULL, which JSON leaves out; times as text."""
    if isinstance(value, dict):
        return {name: pruned(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [pruned(element) for element in value]
    return moment(value)


def moment(value):
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if hasattr(value, "strftime") else value


def is_csv_of(value, text):
    """NULL and the empty text are written the same; structs and lists are JSON."""
    if isinstance(value, (dict, list)):
        return pruned(json.loads(text)) == pruned(value)
    return text == ("" if value is None else str(moment(value)))


if __name__ == "__main__":
    unittest.main()
