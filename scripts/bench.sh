#!/bin/sh
# The engine and its Rust peers over the same feeds, one thread, as a table: medians, allocations a message, peak memory beside
# the feed. `cargo bench -p benches` prints the whole distribution; arguments are handed on to it (a filter, say).
set -eu
cd "$(dirname "$0")/.."
cargo bench --quiet -p benches --bench engine -- "$@" | sed 's/│/|/g; s/├─//; s/╰─//' | awk '
    function flush() {
        if (name != "")
            printf "%-10s %-50s %14s %12s %14.2f %12s\n", feed, name, items, speed, allocations / count[feed], peak
        name = ""; allocations = 0; peak = "0 B"
    }
    BEGIN {
        count["weekday"] = 10000; count["oru_only"] = 1000; count["documents"] = 10
        printf "%-10s %-50s %14s %12s %14s %12s\n", "feed", "reader", "messages/s", "ER7", "allocations/m.", "peak memory"
    }
    {
        gsub(/^[ |]+/, "")
        parts = split($0, column, / *\| */)
    }
    column[1] in count { flush(); feed = column[1]; next }
    parts > 3 && column[1] ~ /  [0-9.]+ [^ ]*s$/ {
        flush()
        name = column[1]
        sub(/  +[0-9.]+ [^ ]*s$/, "", name)
    }
    column[1] ~ /B\/s$/ { speed = column[3] }
    column[1] ~ /item\/s$/ { items = column[3]; sub(/item\/s/, "", items); sub(/ K/, " thousand", items); sub(/ M/, " million", items) }
    column[1] ~ /:$/ { section = column[1]; line = 0; next }
    section == "max alloc:" && ++line == 2 { peak = column[3]; section = "" }
    section == "alloc:" && ++line == 1 { allocations = column[3]; section = "" }
    END { flush() }'
