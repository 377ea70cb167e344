#!/bin/sh
# The live lake, measured: MLLP and HTTP into `carelake serve`, durable before it is acknowledged, beside what the disk allows and
# servers on other libraries. Prints Markdown tables; what goes on is told on stderr.
#
#   scripts/bench-live.sh                       three loads of 30 s, a few minutes in all, about 2 GB of disk
#   scripts/bench-live.sh --soak 10             and ten minutes at a steady rate, memory watched
#   scripts/bench-live.sh --quick               a minute, with the dev profile, to see that it works
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
prepare_node >&2
cargo build --quiet --locked --profile "$profile" --workspace --bins
[ "$profile" = release ] || profile=debug
CARELAKE_BUILT=$target/$profile NODE_PATH=$node_modules exec "$python" benches/live "$@"
