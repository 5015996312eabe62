# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is read by the scenarios
#
# What the scenarios share.  A scenario sources this first; it then is in a new, empty directory
# `run`, with the functions below.  It goes on after a failed check, and ends with `finish`.
#
#   must CMD…               set-up: the scenario ends when it fails
#   check WHAT CMD…         one expectation; WHAT is a sentence that is printed when it does not hold
#   equal WHAT GOT WANT     the same, for two texts
#   exits CODE WHAT CMD…    runs CMD with its output in `out` and `err`; its exit status must be CODE
#
#   cofre …                 the program, with this vault and key
#   vault_new               a vault in ./vault, its key in ./key, the log's public key in ./vkey
#   vault_shop              the same, with the sample shop in it and its two views applied
#   server_start […]        serves on a free port of the loopback ($listen); $url and $server
#   server_refused WHAT CODE …  it must not start, and exit so
#   server_stop             SIGTERM; the exit status must be 0
#   server_kill             kill -9
#   token NAME …            issues one (… as for `cofre token issue`), kept in NAME.curl
#   call NAME METHOD PATH [BODY [curl options…]]
#                           a request with that token (`-` for none); sets $status, and leaves
#                           `reply` and `headers`.  BODY is JSON (or of $media), @FILE, or empty
#                           for none.
#   json FILTER             of the last reply, by jq
#   header NAME             of the last reply
#   problem WHAT STATUS CODE [POINTER]
#                           the last reply is that problem, in the documented form
set -u -o pipefail
export LC_ALL=C.UTF-8

shop=$COFRE_SRC/examples/sample-shop
shared=${COFRE_SHARED:-$COFRE_SRC/../shared}
vault=vault
key=key
options=()
server=
url=
listen=127.0.0.1:0
status=
media=application/json
failures=0
checks=0

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$1"
    shift
    [ $# -eq 0 ] || printf '    %s\n' "$@"
}

# Something that this machine has not: not a failure.
skip() {
    printf 'skipped: %s\n' "$1"
    exit 77
}

show_output() {
    local file
    for file in out err reply server.err; do
        [ ! -s "$file" ] || { printf -- '--- the end of %s:\n' "$file" && tail -c 1200 "$file" && echo; }
    done
}

must() {
    "$@" && return
    fail "set-up: $*"
    show_output
    exit 1
}

check() {
    local what=$1
    shift
    checks=$((checks + 1))
    "$@" >/dev/null || fail "$what" "$*"
}

equal() {
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fail "$1" "is:     $2" "wanted: $3"
}

not() {
    ! "$@"
}

exits() {
    local want=$1 what=$2 got=0
    shift 2
    checks=$((checks + 1))
    "$@" >out 2>err </dev/null || got=$?
    [ "$got" -eq "$want" ] || fail "$what" "exit status $got, wanted $want: $*" "$(head -c 600 err)"
}

finish() {
    [ "$checks" -gt 0 ] || fail "nothing was checked"
    [ -z "$server" ] || server_stop
    printf '%s checks, %s failed\n' "$checks" "$failures"
    [ "$failures" -eq 0 ]
    exit
}

at_exit() {
    local code=$?
    trap - EXIT
    jobs -p | xargs -r kill -9 2>/dev/null
    wait 2>/dev/null
    exit "$code"
}

# ---- the vault ----

# Keys stay in locked memory; where the machine allows too little, the programs are told to go on.
lock_enough_memory() {
    local limit
    ulimit -l unlimited 2>/dev/null || ulimit -S -l "$(ulimit -H -l)" 2>/dev/null
    limit=$(ulimit -l)
    [ "$limit" = unlimited ] || [ "$limit" -ge 1024 ] || options+=(--allow-unlocked)
}

cofre() {
    "$COFRE_BIN/cofre" --vault "$vault" --key-file "$key" "${options[@]}" "$@"
}

verify() {
    "$COFRE_BIN/cofre-verify" "$@"
}

vault_new() {
    rm -rf "$vault" "$key"
    cofre init >vkey 2>err || must false "cofre init"
}

vault_shop() {
    vault_new
    cp "$shop"/*.csv "$shop"/*.json .
    must cofre import customers customers.csv >out 2>err
    must cofre import events events.csv >out 2>err
    must cofre view apply loyalty.json >out 2>err
    must cofre view apply marketing.json >out 2>err
}

log_size() {
    cofre status --json | jq .log_size
}

# ---- the server ----

# server_begin [cofre serve's options…]: true once it listens
server_begin() {
    local tries=0
    : >server.out
    # Not through the function above: $! is to be the program.
    "$COFRE_BIN/cofre" --vault "$vault" --key-file "$key" "${options[@]}" serve --listen "$listen" "$@" \
        >server.out 2>>server.err </dev/null &
    server=$!
    until grep -q '^listening on ' server.out; do
        tries=$((tries + 1))
        if [ "$tries" -gt 1200 ] || ! kill -0 "$server" 2>/dev/null; then
            kill -9 "$server" 2>/dev/null
            wait "$server" 2>/dev/null
            status=$?
            server=
            return 1
        fi
        sleep 0.05
    done
    url=$(sed -n 's/^listening on //p' server.out)
    url=${url%/}
}

server_start() {
    must server_begin "$@"
}

server_refused() {
    local what=$1 want=$2
    shift 2
    checks=$((checks + 1))
    if server_begin "$@"; then
        fail "$what"
        server_kill
    else
        equal "$what: exit status" "$status" "$want"
    fi
}

server_stop() {
    local pid=$server code=0
    server=
    kill -TERM "$pid"
    wait "$pid" || code=$?
    equal "the server drains and exits 0 at SIGTERM" "$code" 0
}

server_kill() {
    local pid=$server
    server=
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
}

# ---- requests ----

# What is in a command's arguments, all can see: curl reads the token from a file.
token() {
    local name=$1 text
    shift
    text=$(cofre token issue --name "$name" "$@" 2>err) || must false "token issue $*"
    curl_config "$name" "$text"
}

curl_config() {
    (umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$2" >"$1.curl")
}

call() {
    local who=$1 method=$2 path=$3 body=${4-} args=()
    shift 3
    [ $# -eq 0 ] || shift
    [ "$who" = - ] || args+=(-K "$who.curl")
    [ -z "$body" ] || args+=(-H "Content-Type: $media" -H 'Expect:' --data-binary "$body")
    status=$(curl -sS --globoff --path-as-is --max-time 60 -X "$method" -D headers -o reply -w '%{http_code}' \
        "${args[@]}" "$@" "$url$path" 2>curl.err) || status="none ($(cat curl.err))"
}

json() {
    jq -r "$1" reply
}

header() {
    tr -d '\r' <headers | sed -n "s/^$1: //Ip"
}

# answered WHAT STATUS
answered() {
    checks=$((checks + 1))
    [ "$status" = "$2" ] || fail "$1" "status $status, wanted $2" "$(head -c 600 reply)"
}

problem() {
    local what=$1
    answered "$what" "$2"
    [ "$status" = "$2" ] || return
    equal "$what: content type" "$(header Content-Type)" application/problem+json
    equal "$what: code" "$(json .code)" "$3"
    equal "$what: the status inside" "$(json .status)" "$2"
    equal "$what: request id inside" "$(json .request_id)" "$(header X-Request-Id)"
    [ $# -lt 4 ] || equal "$what: pointer" "$(json '[.errors[]?.pointer] | join(" ")')" "$4"
}

# receipt NUMBER: 1 seq, 2 leaf hash, 3 salt of the last reply
receipt() {
    header Cofre-Audit | cut -d' ' -f"$1"
}

# entry SEQ: the entry's line, from the log itself
entry() {
    cofre --json audit show --from "$1" --limit 1
}

# wait_for SECONDS CMD…
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

trap at_exit EXIT
trap 'exit 1' HUP INT TERM
rm -rf run
mkdir run
cd run || exit 1
lock_enough_memory
