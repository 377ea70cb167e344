"""The whole program over generated feeds, as tables in Markdown: messages in, answers out. See scripts/bench-lake.sh."""

import argparse
import contextlib
import io
import os
import platform
import subprocess
import sys
import tempfile

import duckdb

import asking
import ingesting
import many_commits


def main():
    options = arguments()
    if options.quick:
        sizes, commits, grown, leaves, ingests = [2_000], 10, 100, 500, 3
    else:
        sizes, commits, grown, leaves, ingests = options.messages, options.commits, options.grown, options.leaves, 20
    os.makedirs(options.folder, exist_ok=True)
    report = io.StringIO()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, contextlib.redirect_stdout(Both(sys.stdout, report)):
        print(machine(options.quick), flush=True)
        runs = [ingesting.measure(folder, count) for count in sizes]
        print_ingests(runs)
        print_answers(runs[-1], asking.measure(runs[-1]["lake"]), asking.start_up(runs[-1]["lake"]))
        print_commits(many_commits.measure_commits(folder, commits, grown))
        print_columns(many_commits.measure_columns(folder, leaves, ingests))
    if options.into:
        put_into(options.into, report.getvalue())


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench-lake.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small feeds, to see that it works; the figures mean nothing")
    parser.add_argument("--messages", type=numbers, default=[100_000, 1_000_000], help="sizes of feeds [100000,1000000]")
    parser.add_argument("--commits", type=int, default=400, help="ingests of one message each [400]")
    parser.add_argument("--grown", type=int, default=10_000, help="version that the table of those is then grown to [10000]")
    parser.add_argument("--leaves", type=int, default=5_000, help="leaves of the wide table [5000]")
    parser.add_argument("--into", metavar="PAGE", help="put the report into this page, between its marks, instead of the one there")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where feeds and lakes are made; they are removed at the end")
    return parser.parse_args()


class Both:
    """Text that goes to two places."""

    def __init__(self, *places):
        self.places = places

    def write(self, text):
        for place in self.places:
            place.write(text)

    def flush(self):
        for place in self.places:
            place.flush()


def put_into(path, report):
    with open(path, encoding="utf-8") as page:
        before, begin, rest = page.read().partition("<!-- bench-lake: begin -->\n")
    _, end, after = rest.partition("<!-- bench-lake: end -->\n")
    if not end:
        sys.exit(f"error: {path} has no marks")
    with open(path, "w", encoding="utf-8") as page:
        page.write(before + begin + report + end + after)


def numbers(text):
    return [int(part.replace("_", "")) for part in text.split(",")]


def machine(quick):
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()
    profile = "dev profile: the figures mean nothing" if quick else "release profile"
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}; commit {commit}, {profile}; "
        f"load {os.getloadavg()[0]:.1f} at the start. Weekday mix, seed 1. Page cache warm, JSON documents and fsync on."
    )


def print_ingests(runs):
    table(
        "Ingest of one file",
        ["messages", "mean size, kB", "s", "messages/s", "MB/s", "peak memory, MB", "messages/s, tenths: first; slowest; last"],
        [
            [
                f"{run['count']:,}",
                f"{run['message_bytes'] / 1000:.2f}",
                f"{run['seconds']:.1f}",
                f"{run['messages_per_second']:,.0f}",
                f"{run['mb_per_second']:.0f}",
                f"{run['peak_mb']:.0f}",
                "; ".join(f"{rate:,.0f}" for rate in [run["tenths"][0], min(run["tenths"]), run["tenths"][-1]]) if run["tenths"] else "too few commits",
            ]
            for run in runs
        ],
    )
    zones = list(runs[0]["disk"])
    table(
        "Bytes on disk a message",
        ["messages", *[f"`{zone}`" for zone in zones]],
        [[f"{run['count']:,}", *[f"{run['disk'][zone] / run['count']:,.0f}" for zone in zones]] for run in runs],
    )


def print_answers(run, answers, starts):
    table(
        f"Answers over {run['count']:,} messages, in one running engine; DuckDB {duckdb.__version__} over the same files",
        ["question", "first, ms", "median, ms", "DuckDB first, ms", "DuckDB median, ms"],
        [[what, *[f"{ms:.1f}" for ms in taken]] for what, *taken in answers],
    )
    table("The command line, from start to end", ["command", "median, ms"], [[what, f"{ms:.0f}"] for what, ms in starts])


def print_commits(result):
    table(
        f"A lake of {result['count']:,} ingests of one message each (first tenth {result['first_ms']:.1f} ms an ingest, last tenth {result['last_ms']:.1f} ms), "
        "then its table grown by copies of their commits",
        ["table version", "log, MB", "`sql \"SELECT 1\"`, ms", "`sql \"SELECT count(*) …\"`, ms"],
        [
            [f"{state['version']:,}", f"{state['log_mb']:.1f}", f"{state['open_ms']:.0f}", f"{state['count_ms']:.0f}"]
            for state in result["opened"]
        ],
    )


def print_columns(results):
    table(
        "Small files in a narrow and in a wide table",
        ["leaves of the table", "leaves of its widest file", "ingest of one message, ms", "its Parquet file, kB", "the widest file, kB", "`sql \"SELECT 1\"`, ms", "`sql`, one leaf, ms"],
        [
            [
                f"{result['columns']:,}",
                f"{result['observed']:,}",
                f"{result['ingest_ms']:.1f}",
                f"{result['file_bytes'] / 1000:.0f}",
                f"{result['largest_file_bytes'] / 1000:.0f}",
                f"{result['open_ms']:.0f}",
                f"{result['seed_ms']:.0f}",
            ]
            for result in results
        ],
    )


def table(title, header, rows):
    lines = [f"\n**{title}**\n", row_of(header), "|" + "|".join(["---"] + ["--:"] * (len(header) - 1)) + "|", *map(row_of, rows)]
    print("\n".join(lines), flush=True)


def row_of(cells):
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
