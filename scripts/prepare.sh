# Sourced by the other scripts, from the repository's root: what a fresh Debian or Ubuntu lacks, and only that.

say() {
    printf '\n== %s\n' "$*"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian packages by their names, each only if the command before the colon is missing.
install_missing() {
    missing=
    for pair in "$@"; do
        command -v "${pair%%:*}" > /dev/null || missing="$missing ${pair#*:}"
    done
    [ -n "$missing" ] || return 0
    say "Installing$missing (apt)"
    as_root apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null
}

prepare_rust() {
    [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
    install_missing cc:gcc cc:libc6-dev make:make
    if ! command -v cargo > /dev/null; then
        install_missing curl:curl curl:ca-certificates
        say "Installing Rust (rustup, about a minute)"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y -q --profile minimal --component clippy,rustfmt
        . "$HOME/.cargo/env"
    fi
}

# A Python of the tests' own: "$python" has exactly what tests/python/requirements.txt names.
prepare_python() {
    python_folder=${CARGO_TARGET_DIR:-target}/python
    python=$python_folder/bin/python
    wanted=$(sha256sum < tests/python/requirements.txt)
    [ "$(cat "$python_folder/requirements.sha256" 2> /dev/null)" != "$wanted" ] || return 0
    if ! python3 -c 'import ensurepip, venv' 2> /dev/null; then
        say "Installing python3-venv (apt)"
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv > /dev/null
    fi
    say "Installing the Python packages of tests/python/requirements.txt into $python_folder (pip, about a minute, once)"
    python3 -m venv --clear "$python_folder"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps -r tests/python/requirements.txt
    "$python" -m pip check
    echo "$wanted" > "$python_folder/requirements.sha256"
}

# HL7 programs from npm to talk with: "$node_modules" has exactly what tests/interop/package-lock.json names, for NODE_PATH.
prepare_node() {
    node_folder=${CARGO_TARGET_DIR:-target}/node
    node_modules=$(mkdir -p "$node_folder" && cd "$node_folder" && pwd)/node_modules
    install_missing node:nodejs npm:npm
    wanted=$(sha256sum < tests/interop/package-lock.json)
    [ "$(cat "$node_folder/package-lock.sha256" 2> /dev/null)" != "$wanted" ] || return 0
    say "Installing the npm packages of tests/interop/package-lock.json into $node_folder (npm, seconds, once; each download is told)"
    cp tests/interop/package.json tests/interop/package-lock.json "$node_folder"
    npm ci --prefix "$node_folder" --ignore-scripts --no-audit --no-fund --no-progress --loglevel=http
    echo "$wanted" > "$node_folder/package-lock.sha256"
}

# A server that speaks S3, with its address in CARELAKE_TEST_S3 and an empty bucket `carelake`, until stop_s3. After prepare_python.
# What a program needs to know to reach it is in the variables that all tools for S3 know.
start_s3() {
    s3_address=$(mktemp)
    rm "$s3_address"
    "$python" tests/python/s3_server.py "$s3_address" &
    s3_server=$!
    while [ ! -f "$s3_address" ]; do
        kill -0 "$s3_server" 2> /dev/null || {
            echo "error: the S3 server of the tests did not start" >&2
            return 1
        }
        sleep 0.1
    done
    CARELAKE_TEST_S3=$(cat "$s3_address")
    rm "$s3_address"
    export CARELAKE_TEST_S3
    export AWS_ENDPOINT_URL="$CARELAKE_TEST_S3" AWS_ALLOW_HTTP=true AWS_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
}

stop_s3() {
    [ -z "${s3_server:-}" ] || kill "$s3_server" 2> /dev/null || true
    s3_server=
    unset CARELAKE_TEST_S3 AWS_ENDPOINT_URL AWS_ALLOW_HTTP AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
}
