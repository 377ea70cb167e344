#!/bin/sh
# Builds every fuzz target and runs each for some seconds: scripts/fuzz.sh [SECONDS]
#
# Works with a stable compiler. The engine has no unsafe code, so no sanitizer is needed, only the coverage
# that the fuzzer steers by; RUSTC_BOOTSTRAP lets a stable compiler emit it.
set -eu
seconds="${1:-30}"
cd "$(dirname "$0")/../fuzz"
if ! command -v cargo-fuzz >/dev/null; then
    echo "error: cargo-fuzz is not installed" >&2
    echo "hint: cargo install cargo-fuzz" >&2
    exit 1
fi
export RUSTC_BOOTSTRAP=1
cargo fuzz build --sanitizer none
for target in $(cargo fuzz list); do
    echo "fuzzing $target for $seconds s"
    cargo fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 -verbosity=0
done
