#!/usr/bin/env bash
# What the documents print runs as it is printed: every block marked `sh`, in order, in one shell for each page.
# Blocks marked `console` or otherwise are not run.  Only the port is another one.
# timeout: 600
# shellcheck disable=SC2154 # options is set in lib.sh
. "$COFRE_SRC/tests/e2e/lib.sh"

pages=(README.md docs/api.md docs/receipts.md docs/OPERATIONS.md docs/WITNESS.md)

# The programs where the documents say that they are.  As files, so that $! is the program's own.
bin=$PWD/build/release/bin
mkdir -p "$bin"
for program in cofre cofre-verify; do
    given=
    [ "$program" != cofre ] || given=${options[*]}
    printf '#!/bin/sh\nexec "%s/%s" %s "$@"\n' "$COFRE_BIN" "$program" "$given" >"$bin/$program"
    chmod +x "$bin/$program"
done
ln -s "$COFRE_SRC/examples" examples

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# script PAGE: its blocks, each after the number of its line.
script() {
    awk '
        /^```sh$/ { inside = 1; printf "block=%d\n", NR; next }
        /^```/ { inside = 0 }
        inside
    ' "$COFRE_SRC/$1"
}

run_page() {
    local page=$1 port code=0
    port=$(free_port)
    {
        # shellcheck disable=SC2016 # for the page's shell to expand
        echo 'set -euo pipefail; trap '\''code=$?; kill $(jobs -p) 2>/dev/null || true;
            [ $code = 0 ] || echo "stopped in the block of line $block" >&2'\'' EXIT'
        script "$page" | sed "s/127\.0\.0\.1:8420/127.0.0.1:$port/g"
    } >page.sh
    TMPDIR=$PWD bash page.sh >page.out 2>&1 </dev/null || code=$?
    [ "$code" -eq 0 ] || tail -n 40 page.out
    equal "$page runs as it is printed" "$code" 0
}

for page in "${pages[@]}"; do
    check "$page has blocks that run" grep -q '^```sh$' "$COFRE_SRC/$page"
    # A block of another kind that looks like a command line is one that nobody runs.
    equal "$page: commands outside blocks that run are marked console" \
        "$(awk '/^```/ { kind = inside ? "" : $0; inside = !inside }
            inside && kind != "```sh" && kind != "```console" && /^(cofre|curl) /' "$COFRE_SRC/$page")" ""
    run_page "$page"
done
finish
