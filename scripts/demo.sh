#!/bin/sh
# From nothing but git and a shell to a lake you can ask: builds Carelake, makes up a feed, takes it up, asks it.
#
#   scripts/demo.sh [FOLDER]      FOLDER (default target/demo) gets the feed and the lake; it is made anew each time
set -eu
cd "$(dirname "$0")/.."
. scripts/prepare.sh
folder=${1:-${CARGO_TARGET_DIR:-target}/demo}
programs=${CARGO_TARGET_DIR:-target}/debug
carelake=$programs/carelake

prepare_rust
if [ ! -x "$carelake" ]; then
    say "Building Carelake with its SQL engine: about 550 crates, 6 to 10 minutes on two cores, once"
fi
# The whole workspace, as test.sh builds it: another choice of crates would compile shared dependencies once more.
cargo build --locked --workspace --bins

rm -rf "$folder/feed" "$folder/lake"
mkdir -p "$folder"
say "Making up a feed of several versions, with batches, frames, charsets, Z-segments and broken messages"
made=$("$programs/testkit" demo "$folder/feed")
echo "$made"

export CARELAKE_LAKE="$folder/lake"
say "carelake init"
"$carelake" init "$CARELAKE_LAKE"
say "carelake ingest $folder/feed"
account=$("$carelake" ingest "$folder/feed")
echo "$account"
if [ "$(echo "$account" | tail -n 1)" != "$(echo "$made" | tail -n 1)" ]; then
    echo "error: the account differs from what was made up" >&2
    exit 1
fi

say "carelake errors list: what could not be read, and why"
"$carelake" errors list

query='SELECT msh.message_control_id, pid.set_id_patient_id, pid.patient_name.given_name, pid.patient_name.family_name FROM staging'
say "carelake sql \"$query LIMIT 10\""
"$carelake" sql "$query LIMIT 10"
rows=$("$carelake" sql --format ndjson "$query" | wc -l)
echo "... $rows rows in all"
staged=$(echo "$account" | sed -n 's/.*staged=\([0-9]*\).*/\1/p')
if [ "$rows" != "$staged" ]; then
    echo "error: $staged messages were staged" >&2
    exit 1
fi
query='SELECT hl7_version, count(*) AS messages FROM staging GROUP BY hl7_version ORDER BY hl7_version'
say "carelake sql \"$query\""
"$carelake" sql "$query"

say "The lake is in $folder/lake. Ask it more: $carelake sql --lake $folder/lake"
