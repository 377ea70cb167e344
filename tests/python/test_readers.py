"""The lake's tables are read identically by others: every value of every column, not a count of rows."""

import glob
import json
import os
import pathlib
import tempfile
import unittest

import pyarrow.parquet

import canonical
import lakes
import readers

TABLES = ["staging", "errors"]
KEY = "message_id"


def setUpModule():
    global small, large
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    small, large = Lake(lakes.make_small(folder.name)), Lake(lakes.make_large(folder.name))


class Lake:
    """A lake's path, and its tables as our own SQL reads them; without those that are empty."""

    def __init__(self, path):
        self.path = path
        tables = {table: readers.Ours().read(path, table) for table in TABLES}
        self.tables = {table: rows for table, rows in tables.items() if rows.num_rows > 0}

    def actions(self, table, kind):
        """What the commits of a table say of one kind, in order."""
        logs = glob.glob(os.path.join(readers.folder(self.path, table), "_delta_log", "*.json"))
        texts = [pathlib.Path(log).read_text(encoding="utf-8") for log in sorted(logs)]
        lines = [json.loads(line) for text in texts for line in text.splitlines()]
        return [line[kind] for line in lines if kind in line]


class Lakes(unittest.TestCase):
    """What the comparisons below rest on."""

    def test_columns_were_added_between_files(self):
        for lake, files in [(small, 12), (large, 3)]:
            schemas = {action["schemaString"] for action in lake.actions("staging", "metaData")}
            self.assertGreaterEqual(len(lake.actions("staging", "add")), files)
            self.assertGreaterEqual(len(schemas), files - 2)

    def test_tables_have_rows(self):
        self.assertGreater(small.tables["staging"].num_rows, 460)
        self.assertGreater(small.tables["errors"].num_rows, 1)
        self.assertEqual(large.tables["staging"].num_rows, 1620)

    def test_files_are_small_where_they_must_be(self):
        for file in readers.delta_table(small.path, "staging").file_uris():
            metadata = pyarrow.parquet.read_metadata(file)
            for group in map(metadata.row_group, range(metadata.num_row_groups)):
                for column in map(group.column, range(group.num_columns)):
                    self.assertLessEqual(column.num_values, 2048, column.path_in_schema)

    def test_odd_values_are_there(self):
        """An element that is NULL, HL7 null, a null character, a line end, a character beyond 16 bits, a time."""
        text = "\n".join(canonical.row_texts(small.tables["staging"]))
        for odd in [",null,", '"\\"\\""', "\\u0000", "\\n", "\\ud835\\udd18", ":@"]:
            self.assertIn(odd, text)


class Values(unittest.TestCase):
    def test_small_files(self):
        self.compare(small, readers.FOR_SMALL_FILES)

    def test_large_files(self):
        self.compare(large, readers.FOR_ANY_FILE)

    @unittest.skipUnless(os.path.isdir(lakes.CORPUS), "there is no folder of real-world samples here (CARELAKE_CORPUS)")
    def test_files_from_everywhere(self):
        with tempfile.TemporaryDirectory() as folder:
            self.compare(Lake(lakes.make_of_corpus(folder)), readers.FOR_ANY_FILE)

    def compare(self, lake, others):
        for table, ours in lake.tables.items():
            expected = canonical.table_hash(ours)
            for reader in others:
                with self.subTest(table=table, reader=reader.name):
                    theirs = reader.read(lake.path, table)
                    if canonical.table_hash(theirs) != expected:
                        places = canonical.differing_places(ours, theirs, KEY)
                        self.fail("\n".join(["values differ:", *places[:20]]))
                    if reader.knows_all_columns:
                        self.assertEqual(columns(theirs), columns(ours))


class Statistics(unittest.TestCase):
    """Files are skipped by the log's statistics: a row that a wrong one hides would be missing here."""

    def test_small_files(self):
        self.compare(small, [readers.Ours(), *readers.FOR_SMALL_FILES])

    def test_large_files(self):
        self.compare(large, [readers.Ours(), *readers.FOR_ANY_FILE])

    def compare(self, lake, all_readers):
        for table, rows in lake.tables.items():
            for column, low, high in conditions(rows):
                expected = sum(low <= value <= high for value in rows[column].to_pylist())
                for reader in all_readers:
                    with self.subTest(table=table, column=column, reader=reader.name):
                        self.assertEqual(reader.count(lake.path, table, column, low, high), expected)


def columns(table):
    return [(field.name, canonical.type_text(field.type)) for field in table.schema]


def conditions(rows):
    """Each holds for some row: the first and the last key, one feed, and from the first and the last moment of some raw objects on."""
    for value in [min(rows[KEY].to_pylist()), max(rows[KEY].to_pylist()), rows[KEY][0].as_py()]:
        yield KEY, value, value
    feed = rows["feed"][0].as_py()
    yield "feed", feed, feed
    moments = {}
    for raw_key, moment in zip(rows["raw_key"].to_pylist(), rows["received_at"].to_pylist()):
        moments.setdefault(raw_key, []).append(moment)
    latest = max(rows["received_at"].to_pylist())
    for taken in list(moments.values())[:3]:
        yield "received_at", min(taken), min(taken)
        yield "received_at", max(taken), latest


if __name__ == "__main__":
    unittest.main()
