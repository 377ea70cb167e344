"""A table's values as one canonical text, and its SHA-256: two readers agree when these are equal.

Every value of every column takes part, however deep, with its place; the order of rows does not. A value's text is

    NULL        null
    text        a JSON string, ASCII only: "M\\u00fcller"
    number      its decimal digits: 42
    timestamp   @ and the microseconds since 1970-01-01 00:00 UTC: @1767225600000000
    list        [first,second,null], in order; an empty list is [], which is not null
    struct      {"name":value,...}, by name in the order of bytes, members that are NULL left out; {} is not null

and a row's text is that of the struct of its columns. The table's hash is SHA-256 over the sorted SHA-256 sums (hex, one a
line) of its rows. Leaving out NULL members makes a column that a reader does not know, because no file of its choice has
it, the same as a column without values; everything else differs.
"""

import hashlib
import json

import pyarrow as pa


def table_hash(table):
    sums = sorted(hashlib.sha256(text.encode()).hexdigest() for text in row_texts(table))
    return hashlib.sha256("".join(f"{sum}\n" for sum in sums).encode()).hexdigest()


def row_texts(table):
    """The text of each row, in the table's order."""
    texts = []
    for batch in table.combine_chunks().to_batches():
        texts += value_texts(batch.to_struct_array())
    return texts


def value_texts(array):
    """The text of each value, None for NULL."""
    kind = array.type
    if array.null_count == len(array):
        return [None] * len(array)
    if pa.types.is_struct(kind):
        return struct_texts(array)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return list_texts(array)
    if pa.types.is_timestamp(kind):
        micros = array.cast(pa.timestamp("us", kind.tz)).cast(pa.int64())
        return [None if value is None else f"@{value}" for value in micros.to_pylist()]
    if pa.types.is_integer(kind):
        return [None if value is None else str(value) for value in array.to_pylist()]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return [None if value is None else json.dumps(value) for value in array.to_pylist()]
    raise TypeError(f"no canonical text is laid down for {kind}")


def struct_texts(array):
    members = [(field.name, array.field(place)) for place, field in enumerate(array.type)]
    members = [(json.dumps(name), value_texts(child)) for name, child in members if child.null_count < len(child)]
    members.sort(key=lambda member: member[0].encode())
    return [
        "{" + ",".join(f"{name}:{texts[row]}" for name, texts in members if texts[row] is not None) + "}" if valid else None
        for row, valid in enumerate(array.is_valid().to_pylist())
    ]


def list_texts(array):
    offsets = array.offsets.to_pylist()
    elements = [text or "null" for text in value_texts(array.values)]
    return [
        "[" + ",".join(elements[begin:end]) + "]" if valid else None
        for begin, end, valid in zip(offsets, offsets[1:], array.is_valid().to_pylist())
    ]


def type_text(kind):
    """A type without what readers choose by themselves: widths of offsets, views, names of list items."""
    if pa.types.is_struct(kind):
        return "{" + ",".join(sorted(f"{field.name}:{type_text(field.type)}" for field in kind)) + "}"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"[{type_text(kind.value_type)}]"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if pa.types.is_timestamp(kind):
        return f"timestamp {kind.unit}{'' if kind.tz is None else ' with zone'}"
    return str(kind)


def differing_places(ours, theirs, key):
    """Where two tables differ, never with which value: columns by row key, and keys that only one has."""
    ours, theirs = ({row[key]: row for row in table.to_pylist()} for table in (ours, theirs))
    places = [f"a row of one only ({key} {row})" for row in sorted(ours.keys() ^ theirs.keys())]
    for row in sorted(ours.keys() & theirs.keys()):
        places += [f"{place} ({key} {row})" for place in differing_paths(ours[row], theirs[row])]
    return places


def differing_paths(ours, theirs, path=""):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(ours.keys() | theirs.keys()):
            yield from differing_paths(ours.get(name), theirs.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (mine, other) in enumerate(zip(ours, theirs), 1):
            yield from differing_paths(mine, other, f"{path}[{number}]")
    elif ours != theirs:
        yield f"{path}: {type(ours).__name__} and {type(theirs).__name__}"
