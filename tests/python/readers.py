"""Readers of a lake's Delta tables: our own SQL and those of others.

`read` gives every row and column. `count` counts the rows whose column is between two values, both included. It hands that
down to the reader, so that it skips files by the statistics in the log and pages by those in Parquet: wrong statistics show
up as missing rows.
"""

import glob
import os

import deltalake
import duckdb
import duckdb_extension_delta
import polars
import pyarrow as pa
import pyarrow.compute

from programs import carelake

FOLDERS = {"staging": "staging/table", "errors": "error/table"}


class Ours:
    name = "carelake sql --format arrow"
    knows_all_columns = True

    def read(self, lake, table):
        return self.ask(lake, f"SELECT * FROM {table}")

    def count(self, lake, table, column, low, high):
        return self.ask(lake, f"SELECT count(*) AS n FROM {table} WHERE {between(column, low, high)}")["n"][0].as_py()

    def ask(self, lake, query):
        answer = carelake("sql", "--lake", lake, "--format", "arrow", query)
        return pa.ipc.open_stream(answer).read_all()


class DeltalakeQuery:
    name = "deltalake (QueryBuilder)"
    knows_all_columns = True

    def read(self, lake, table):
        return self.ask(lake, table, "SELECT * FROM here")

    def count(self, lake, table, column, low, high):
        return self.ask(lake, table, f"SELECT count(*) AS n FROM here WHERE {between(column, low, high)}")["n"][0].as_py()

    def ask(self, lake, table, query):
        builder = deltalake.QueryBuilder().register("here", delta_table(lake, table))
        return pa.table(builder.execute(query))


class DeltalakeArrow:
    name = "deltalake (to_pyarrow_table)"
    knows_all_columns = True

    def read(self, lake, table):
        return delta_table(lake, table).to_pyarrow_table()

    def count(self, lake, table, column, low, high):
        name = pyarrow.compute.field(column)
        return delta_table(lake, table).to_pyarrow_dataset().count_rows(filter=(name >= low) & (name <= high))


class Polars:
    name = "polars (scan_delta)"
    knows_all_columns = True

    def read(self, lake, table):
        return self.scan(lake, table).collect().to_arrow()

    def count(self, lake, table, column, low, high):
        rows = self.scan(lake, table)
        return rows.filter(polars.col(column).is_between(polars.lit(low), polars.lit(high))).select(polars.len()).collect().item()

    def scan(self, lake, table):
        return polars.scan_delta(folder(lake, table))


class DuckdbDelta:
    """Only for files whose columns have at most 2,048 elements: where it adds a missing member to more structs than that in a
    list inside a struct, DuckDB 1.5 overwrites its own memory, with any writer's files.
    """

    name = "duckdb (delta_scan)"
    knows_all_columns = True

    def __init__(self):
        here = os.path.dirname(duckdb_extension_delta.__file__)
        (self.extension,) = glob.glob(f"{here}/extensions/v{duckdb.__version__}/delta.duckdb_extension")

    def read(self, lake, table):
        return self.ask(f"SELECT * FROM delta_scan('{folder(lake, table)}')")

    def count(self, lake, table, column, low, high):
        query = f"SELECT count(*) AS n FROM delta_scan('{folder(lake, table)}') WHERE {between(column, low, high)}"
        return self.ask(query)["n"][0].as_py()

    def ask(self, query):
        connection = duckdb.connect()
        connection.execute(f"LOAD '{self.extension}'")
        return connection.sql(query).to_arrow_table()


class DuckdbParquet:
    """The Parquet files of the log, columns united by name: columns that no file has are not there."""

    name = "duckdb (read_parquet over the log's files)"
    knows_all_columns = False

    def read(self, lake, table):
        return self.ask(lake, table, "SELECT * FROM read_parquet({}, union_by_name = true)")

    def count(self, lake, table, column, low, high):
        query = f"SELECT count(*) AS n FROM read_parquet({{}}, union_by_name = true) WHERE {between(column, low, high)}"
        return self.ask(lake, table, query)["n"][0].as_py()

    def ask(self, lake, table, query):
        files = ", ".join(f"'{file}'" for file in delta_table(lake, table).file_uris())
        return duckdb.connect().sql(query.format(f"[{files}]")).to_arrow_table()


FOR_ANY_FILE = [DeltalakeQuery(), DeltalakeArrow(), Polars(), DuckdbParquet()]
FOR_SMALL_FILES = [*FOR_ANY_FILE, DuckdbDelta()]


def folder(lake, table):
    return os.path.join(lake, FOLDERS[table])


def delta_table(lake, table):
    return deltalake.DeltaTable(folder(lake, table))


def between(column, low, high):
    """The condition in SQL; a time with its zone, as every dialect here reads it."""
    return f"{column} >= '{low}' AND {column} <= '{high}'"
