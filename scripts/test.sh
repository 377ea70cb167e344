#!/bin/sh
# Everything that must hold before a change goes in. On a fresh Debian or Ubuntu it installs what it needs first.
# The build, the tests, the demo share one profile (dev), so that the dependencies compile once.
set -eu
cd "$(dirname "$0")/.."
. scripts/prepare.sh
began=$(date +%s)

prepare_rust
prepare_python
prepare_node
install_missing strace:strace
cargo fmt --version > /dev/null 2>&1 || rustup component add rustfmt
cargo clippy --version > /dev/null 2>&1 || rustup component add clippy
if ! cargo deny --version > /dev/null 2>&1; then
    # It is made to run once: most of the time that its own release profile takes goes into making it faster than that needs.
    say "Installing cargo-deny (about 2 minutes on two cores, once)"
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo install --locked --quiet cargo-deny
fi

say "Format"
cargo fmt --all -- --check

say "Licences, duplicate crates, sources"
cargo deny --locked check --hide-inclusion-graph licenses bans sources
if timeout 30 git ls-remote -q https://github.com/rustsec/advisory-db HEAD > /dev/null 2>&1; then
    cargo deny --locked check --hide-inclusion-graph advisories
else
    echo "the advisory database at github.com is out of reach: known vulnerabilities are not looked up this time"
fi

say "Build (about 550 crates the first time, 6 to 10 minutes on two cores)"
cargo test --locked --workspace --no-run --quiet

say "Tests, the law of imports among them"
log=${CARGO_TARGET_DIR:-target}/test.log
status=0
trap stop_s3 EXIT
trap 'exit 130' INT TERM
start_s3
cargo test --locked --workspace --no-fail-fast > "$log" 2>&1 || status=$?
# Cargo's own lines: which binary, and its summary; after a failure everything.
if [ "$status" = 0 ]; then
    grep -E '^ +(Running|Doc-tests)|^test result:|skipped' "$log"
else
    cat "$log"
    exit "$status"
fi
stop_s3

say "Lints"
cargo clippy --locked --workspace --all-targets -- -D warnings

say "Documentation"
RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --quiet

say "The demo, from end to end"
scripts/demo.sh

say "The tables as other programs read them"
"$python" -m unittest discover -s tests/python

say "The benchmark of the whole program, to see that it works"
timeout 900 scripts/bench-lake.sh --quick > "${CARGO_TARGET_DIR:-target}/bench-lake.md"

say "The benchmark of the live lake, to see that it works"
timeout 900 scripts/bench-live.sh --quick > "${CARGO_TARGET_DIR:-target}/bench-live.md"

say "All checks passed in $(($(date +%s) - began)) s"
