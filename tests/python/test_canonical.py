"""The canonical text tells apart what differs, and only that."""

import unittest

import pyarrow as pa

import canonical


def hash_of(rows, kind=pa.list_(pa.struct([("a", pa.string()), ("b", pa.string())])), **columns):
    return canonical.table_hash(pa.table({"id": [str(row) for row in range(len(rows))], "x": pa.array(rows, kind), **columns}))


class CanonicalText(unittest.TestCase):
    def test_is_as_laid_down(self):
        kind = pa.struct([("t", pa.string()), ("l", pa.list_(pa.int32())), ("at", pa.timestamp("us", "UTC")), ("n", pa.string())])
        row = {"t": 'ü"', "l": [1, None], "at": 1_767_225_600_000_000, "n": None}
        texts = canonical.value_texts(pa.array([row, None, {"l": []}], kind))
        self.assertEqual(texts, ['{"at":@1767225600000000,"l":[1,null],"t":"\\u00fc\\""}', None, '{"l":[]}'])

    def test_every_difference_counts(self):
        tables = [
            [None], [[]], [[None]], [[{}]], [[{"a": ""}]], [[{"a": "v"}]], [[{"b": "v"}]], [[{"a": "v"}, None]],
            [[None, {"a": "v"}]], [[{"a": "v"}, {"a": "w"}]], [[{"a": "w"}, {"a": "v"}]], [[{"a": "vw"}]],
            [[{"a": "v"}], [{"a": "w"}]], [[{"a": "w"}], [{"a": "v"}]], [[{"a": 'v","b":"w'}]], [[{"a": "v", "b": "w"}]],
        ]  # fmt: skip
        self.assertEqual(len({hash_of(rows) for rows in tables}), len(tables))

    def test_rows_out_of_order_and_how_a_reader_lays_them_out_do_not(self):
        table = pa.table({"id": ["1", "2", "3"], "x": [["a"], None, ["b", None]]})
        expected = canonical.table_hash(table)
        large = pa.schema([("x", pa.large_list(pa.large_string())), ("id", pa.string_view())])
        for same in [
            table.take([2, 0, 1]),
            pa.concat_tables([table.slice(2), table.slice(0, 2)]),
            table.select(["x", "id"]).cast(large),
            table.append_column("no_values", pa.array([None] * 3, pa.list_(pa.string()))),
        ]:
            self.assertEqual(canonical.table_hash(same), expected)

    def test_places_without_values(self):
        kind = pa.struct([("a", pa.list_(pa.string()))])
        ours, theirs = (pa.table({"id": ["7"], "x": pa.array([{"a": ["same", last]}], kind)}) for last in ["mine", "other"])
        self.assertEqual(canonical.differing_places(ours, theirs, "id"), ["x.a[2]: str and str (id 7)"])


if __name__ == "__main__":
    unittest.main()
