#!/bin/sh
# Parsers of other languages over the same generated feed as `cargo bench -p benches`, on one core, MB/s of ER7.
#
# Installs into target/bench-peers alone, by pip and npm: python-hl7 (BSD), hl7apy (MIT), node-hl7-client (MIT),
# simple-hl7 (MIT). Python or Node missing: its part is left out, and says so.
set -eu
cd "$(dirname "$0")/.."
folder=${CARGO_TARGET_DIR:-target}/bench-peers
count=${1:-5000}
mkdir -p "$folder"

echo "Generating $count messages of the weekday mix ..."
cargo run --quiet -p testkit -- feed --mix weekday --seed 1 --count "$count" > "$folder/weekday.hl7"

if command -v python3 > /dev/null; then
    if [ ! -x "$folder/venv/bin/python" ]; then
        echo "Installing python-hl7 and hl7apy into $folder/venv ..."
        python3 -m venv "$folder/venv"
        "$folder/venv/bin/pip" install --quiet hl7==0.4.5 hl7apy==1.3.5
    fi
    "$folder/venv/bin/python" scripts/bench-peers.py "$folder/weekday.hl7"
else
    echo "python3 is not here: python-hl7 and hl7apy are left out"
fi

if command -v npm > /dev/null; then
    if [ ! -d "$folder/node_modules" ]; then
        echo "Installing node-hl7-client and simple-hl7 into $folder/node_modules ..."
        npm install --no-progress --loglevel=http --ignore-scripts --no-audit --no-fund --prefix "$folder" node-hl7-client@4 simple-hl7@3
    fi
    NODE_PATH="$folder/node_modules" node scripts/bench-peers.js "$folder/weekday.hl7"
else
    echo "npm is not here: node-hl7-client and simple-hl7 are left out"
fi
