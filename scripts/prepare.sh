# Sourced by demo.sh and test.sh: what a fresh Debian or Ubuntu lacks, and only that.

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
    install_missing cc:gcc cc:libc6-dev
    if ! command -v cargo > /dev/null; then
        install_missing curl:curl curl:ca-certificates
        say "Installing Rust (rustup, about a minute)"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y -q --profile minimal --component clippy,rustfmt
        . "$HOME/.cargo/env"
    fi
}
