"""The live lake under load, as tables in Markdown: messages acknowledged, how soon they are in SQL, memory. See scripts/bench-live.sh."""

import argparse
import contextlib
import io
import os
import platform
import subprocess
import sys
import tempfile
import time

import disk
import peers
from programs import CARELAKE, DISTINCT, say, send
from serving import Serving
from watching import Freshness, Memory

CONNECTIONS = 16
# The parts of a batch over HTTP, and how many are under way.
BATCH, POSTERS = 1_000, 4


def main():
    options = arguments()
    if options.quick:
        options.seconds, options.syncs = 3, 50
    os.makedirs(options.folder, exist_ok=True)
    report = io.StringIO()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, contextlib.redirect_stdout(Both(sys.stdout, report)):
        print(machine(options), flush=True)
        print_disk(syncs := measure_disk(folder, options.syncs))
        loads = [mllp_load(folder, options, window, syncs) for window in [1, 32]]
        loads.append(mllp_load(folder, options, 32, syncs, options.rate))
        loads.append(http_load(folder, options))
        print_loads(loads)
        print_freshness(loads)
        if options.soak:
            print_soak(soak(folder, options))
        print_peers(peers.measure(options.seconds, CONNECTIONS))
    if options.into:
        put_into(options.into, report.getvalue())


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench-live.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds, to see that it works; the figures mean nothing")
    parser.add_argument("--seconds", type=int, default=30, help="how long each load runs [30]")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="then a load at a steady rate for so long, memory watched")
    parser.add_argument("--rate", type=int, default=10_000, help="messages a second of the loads at a steady rate, the soak among them [10000]")
    parser.add_argument("--syncs", type=int, default=500, help="appends whose median is the disk's latency [500]")
    parser.add_argument("--into", metavar="PAGE", help="put the report into this page, between its marks, instead of the one there")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where lakes are made, on the disk that is meant; they are removed at the end")
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
        before, begin, rest = page.read().partition("<!-- bench-live: begin -->\n")
    _, end, after = rest.partition("<!-- bench-live: end -->\n")
    if not end:
        sys.exit(f"error: {path} has no marks")
    with open(path, "w", encoding="utf-8") as page:
        page.write(before + begin + report + end + after)


def machine(options):
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()
    profile = "dev profile: the figures mean nothing" if options.quick else "release profile"
    return (
        f"{cpu}, {os.cpu_count()} cores, which server and sender share, {memory:.0f} GiB, {platform.system()} {platform.release()}; "
        f"commit {commit}, {profile}; load {os.getloadavg()[0]:.1f} at the start. Weekday mix, {DISTINCT:,} distinct messages that come "
        f"again under control IDs of their own, {options.seconds} s a load, each on a fresh lake with default settings."
    )


def measure_disk(folder, times):
    say(f"the disk: {times} appends of each size")
    sizes = {messages: disk.append_and_sync_ms(folder, messages * disk.MESSAGE, times) for messages in [1, CONNECTIONS, CONNECTIONS * 32]}
    return sizes


def mllp_load(folder, options, window, syncs, rate=None):
    words = ["--connections", CONNECTIONS, "--window", window, "--seconds", options.seconds, *(["--rate", rate] if rate else [])]
    load = measure(folder, f"mllp-{window}-{rate or 'all'}", lambda serving: send("--mllp", serving.mllp, *words))
    load["what"] = f"MLLP, {CONNECTIONS} connections, window {window}" + (f", {rate:,} a second" if rate else "")
    # At best every sync carries one message of each place in every window.
    load["bound"] = None if rate else CONNECTIONS * window / (syncs[CONNECTIONS * window] / 1000)
    return load


def http_load(folder, options):
    words = ["--connections", POSTERS, "--batch", BATCH, "--seconds", options.seconds]
    load = measure(folder, "http", lambda serving: send("--http", serving.http, *words))
    load["what"] = f"HTTP, {POSTERS} connections, {BATCH:,} messages a request"
    load["bound"] = None
    return load


def measure(folder, name, load):
    """A load on a lake of its own, from the outside and from the server's metrics."""
    say(name)
    with Serving(folder, name) as serving:
        freshness, memory = Freshness(serving), Memory(serving, 1)
        before, cpu = serving.metrics(), serving.cpu_seconds()
        freshness.start()
        memory.start()
        report = load(serving)
        cpu = serving.cpu_seconds() - cpu
        probed = freshness.finish()
        memory.finish()
        settled = time.monotonic()
        wait_for_backlog(serving)
        settled = time.monotonic() - settled
        after = serving.metrics()
        result = {
            "report": report,
            "group": after.mean_since(before, "carelake_log_group_messages"),
            "sync_ms": scaled(after.mean_since(before, "carelake_log_sync_seconds"), 1000),
            "probed": probed,
            "probes": len(freshness.seconds),
            "told": [after.quantile_since(before, "carelake_freshness_seconds", share) for share in (0.5, 0.99)],
            "behind": settled,
            "cpu": cpu / report["seconds"],
            "peak_mb": serving.memory_mb("VmHWM"),
        }
        serving.stop()
        account(serving.lake, report["acked"] + len(freshness.seconds))
    return result


def wait_for_backlog(serving):
    """Until everything that was acknowledged is in the table."""
    until = time.monotonic() + 600
    while serving.metrics().sum("carelake_backlog_messages"):
        if time.monotonic() > until:
            serving.fail("the backlog did not end")
        time.sleep(0.1)


def account(lake, acknowledged):
    """A fast server that loses something is no fast server."""
    answer = subprocess.run(
        [CARELAKE, "sql", "--lake", lake, "--format", "csv", "SELECT count(*) AS messages, count(DISTINCT control_id) AS ids FROM staging"],
        stdout=subprocess.PIPE,
        check=True,
        encoding="utf-8",
    )
    messages, ids = map(int, answer.stdout.splitlines()[1].split(","))
    if (messages, ids) != (acknowledged, acknowledged):
        sys.exit(f"error: {acknowledged} messages were acknowledged, {messages} rows and {ids} control IDs are there")


def soak(folder, options):
    say(f"soak: {options.soak:g} minutes at {options.rate} messages/s")
    with Serving(folder, "soak") as serving:
        before, memory = serving.metrics(), Memory(serving, 5)
        memory.start()
        report = send("--mllp", serving.mllp, "--connections", CONNECTIONS, "--window", 32, "--rate", options.rate, "--seconds", options.soak * 60)
        samples, slope = memory.finish()
        wait_for_backlog(serving)
        after = serving.metrics()
        told = after.quantile_since(before, "carelake_freshness_seconds", 0.99)
        peak = serving.memory_mb("VmHWM")
        serving.stop()
        account(serving.lake, report["acked"])
    return {"report": report, "samples": samples, "slope": slope, "told": told, "peak_mb": peak, "minutes": options.soak}


def print_disk(syncs):
    rows = [[f"{messages} × {disk.MESSAGE / 1000:.1f} kB", f"{ms:.2f}", f"{messages / ms * 1000:,.0f}"] for messages, ms in syncs.items()]
    table("The disk: an append, then fdatasync (median)", ["append", "ms", "messages/s, at best"], rows)


def print_loads(loads):
    header = ["load", "messages/s", "MB/s", "of the disk's bound", "messages a sync", "sync, ms", "ACK p50, ms", "p95", "p99", "max", "server's cores", "peak memory, MB"]
    table("Acknowledged, which is durable", header, [row_of_load(load) for load in loads])


def row_of_load(load):
    report, bound = load["report"], load["bound"]
    return [
        load["what"],
        f"{report['messages_per_second']:,.0f}",
        f"{report['mb_per_second']:.1f}",
        f"{report['messages_per_second'] / bound:.0%}" if bound else "–",
        figure(load["group"], ".1f"),
        figure(load["sync_ms"], ".2f"),
        *[f"{report[name]:.1f}" for name in ["latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "latency_max_ms"]],
        f"{load['cpu']:.2f}",
        f"{load['peak_mb']:.0f}",
    ]


def print_freshness(loads):
    rows = [
        [load["what"], *[figure(seconds, ".2f") for seconds in load["probed"]], load["probes"], *[figure(seconds, ".2f") for seconds in load["told"]], f"{load['behind']:.1f}"]
        for load in loads
    ]
    header = ["load", "probed p50, s", "p99, s", "probes", "metrics p50 ≤, s", "p99 ≤, s", "everything in the table after the load, s"]
    table("From the acknowledgment to SQL", header, rows)


def print_soak(result):
    report = result["report"]
    marks = [result["samples"][place * (len(result["samples"]) - 1) // 4][1] for place in range(5)] if result["samples"] else []
    row = [
        f"{result['minutes']:g}",
        f"{report['messages_per_second']:,.0f}",
        f"{report['latency_p99_ms']:.1f}",
        figure(result["told"], ".2f"),
        f"{result['peak_mb']:.0f}",
        "; ".join(f"{mb:.0f}" for mb in marks),
        figure(result["slope"], "+.0f"),
    ]
    header = ["minutes", "messages/s", "ACK p99, ms", "fresh p99 ≤, s", "peak memory, MB", "memory, MB, at each quarter", "slope of the second half, MB/h"]
    table("Soak at a steady rate", header, [row])


def print_peers(rows):
    table(
        f"The same load on servers that acknowledge from memory and keep nothing, {CONNECTIONS} connections",
        ["server", "window", "messages/s", "MB/s", "ACK p50, ms", "p99, ms"],
        [
            [name, window, *[f"{report[figure_]:,.1f}" for figure_ in ["messages_per_second", "mb_per_second", "latency_p50_ms", "latency_p99_ms"]]]
            for name, window, report in rows
        ],
    )


def figure(value, form):
    return "–" if value is None else format(value, form)


def scaled(value, factor):
    return None if value is None else value * factor


def table(title, header, rows):
    lines = [f"\n**{title}**\n", row_of(header), "|" + "|".join(["---"] + ["--:"] * (len(header) - 1)) + "|", *map(row_of, rows)]
    print("\n".join(lines), flush=True)


def row_of(cells):
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
