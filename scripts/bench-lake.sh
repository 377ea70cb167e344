#!/bin/sh
# The whole program, measured: a generated feed in, answers out, many small commits, many columns, DuckDB beside it. Prints
# Markdown tables; what goes on is told on stderr.
#
#   scripts/bench-lake.sh                                  100,000 and 1,000,000 messages: 6 GB of disk, half an hour
#   scripts/bench-lake.sh --messages 1000000,10000000      others: about 4 GB of disk for a million messages
#   scripts/bench-lake.sh --quick                          a minute, with the dev profile, to see that it works
#
# More: --help. The first run builds the release profile, about 25 minutes on two cores.
set -eu
cd "$(dirname "$0")/.."
. scripts/prepare.sh
target=${CARGO_TARGET_DIR:-target}
profile=release
for word in "$@"; do
    [ "$word" != --quick ] || profile=dev
done

prepare_rust >&2
prepare_python >&2
cargo build --quiet --locked --profile "$profile" --workspace --bins --example ingest_one_by_one
[ "$profile" = release ] || profile=debug
CARELAKE_BUILT=$target/$profile exec "$python" benches/lake "$@"
