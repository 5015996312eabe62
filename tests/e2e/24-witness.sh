#!/usr/bin/env bash
# Witnesses cosign what the vault publishes; a dead one blocks nothing, unless the policy says required;
# a forked or shortened log gets no signature, and no witness ever goes back.
# labels: race
# timeout: 600
# shellcheck disable=SC2034,SC2154 # lib.sh sets or reads them
. "$COFRE_SRC/tests/e2e/lib.sh"

declare -A witness_pid witness_url witness_port

# witness_start NAME [cofre witness serve's options…]: its directory is NAME, its key in NAME.vkey
witness_start() {
    local name=$1 tries=0
    shift
    : >"$name.out"
    "$COFRE_BIN/cofre" "${options[@]}" witness serve --state "$name" \
        --listen "127.0.0.1:${witness_port[$name]:-0}" "$@" >"$name.out" 2>>"$name.err" </dev/null &
    witness_pid[$name]=$!
    until grep -q '^listening on ' "$name.out"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 400 ] || ! kill -0 "${witness_pid[$name]}" 2>/dev/null; then
            cat "$name.err"
            must false "witness $name starts"
        fi
        sleep 0.05
    done
    witness_url[$name]=$(sed -n 's/^listening on //p' "$name.out")
    witness_port[$name]=${witness_url[$name]##*:}
    head -n 1 "$name.out" >"$name.vkey"
}

witness_end() {
    local code=0
    kill -"$2" "${witness_pid[$1]}"
    wait "${witness_pid[$1]}" 2>/dev/null || code=$?
    [ "$2" = KILL ] || equal "witness $1 drains and exits 0" "$code" 0
}

policy() {
    local name
    for name in w1 w2; do
        echo "witness $name $(cat $name.vkey) ${witness_url[$name]}"
    done >vault/policy
    echo "quorum $1" >>vault/policy
    { echo '[witness]'; printf '%s\n' 'policy = policy' 'timeout_ms = 1000' 'grace_s = 2' "required = $2"; } \
        >vault/cofre.conf
    chmod 600 vault/policy vault/cofre.conf
}

# lines FILE: how many witnesses have signed it
lines() {
    grep -c '^— cofre-witness' "vault/audit/$1" 2>/dev/null || true
}

has_lines() {
    [ "$(lines "$1")" = "$2" ]
}

size_of() {
    sed -n 2p "vault/audit/$1"
}

covers() {
    [ "$(size_of "$1")" -ge "$2" ]
}

state_size() {
    curl -s "${witness_url[$1]}/$(head -n 1 vault/audit/checkpoint | tr -d '\n' | sha256sum | cut -c1-64)/checkpoint" |
        sed -n 2p
}

# ask NAME FILE: sends a body; sets $status, leaves reply and headers
ask() {
    status=$(curl -sS -D headers -o reply -w '%{http_code}' --data-binary "@$2" "${witness_url[$1]}/add-checkpoint")
}

vault_new
witness_start w1 --log vkey
witness_start w2 --log vkey
equal "the key's file is the owner's alone" "$(stat -c %a w1/key)" 600
check "the key has the usual form" grep -Eqx 'PRIVATE\+KEY\+cofre-witness\.invalid/[0-9a-f]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+' w1/key
exits 0 "witness vkey" "$COFRE_BIN/cofre" "${options[@]}" witness vkey --state w1
equal "is what serve printed" "$(cat out)" "$(cat w1.vkey)"
exits 4 "two processes on one state" "$COFRE_BIN/cofre" "${options[@]}" witness serve --state w1 --listen 127.0.0.1:0
exits 4 "nothing is forgotten while it serves" \
    "$COFRE_BIN/cofre" "${options[@]}" witness forget --state w1 --log vkey
exits 6 "off the loopback without TLS" "$COFRE_BIN/cofre" "${options[@]}" witness serve --state w3 --listen 0.0.0.0:0
status=$(curl -s -o reply -w '%{http_code}' "${witness_url[w1]}/healthz")
answered "healthz" 200

# ---- cosigned behind the back of requests ----

policy 2 no
server_start
token crm --role compliance
call crm GET /v1/audit/checkpoint
answered "a checkpoint" 200
check "two lines come to the checkpoint" wait_for 20 has_lines checkpoint 2
check "and to witnessed" wait_for 5 has_lines witnessed 2
call - GET /metrics
check "counted" grep -Eq '^cofre_cosignatures_total [1-9]' reply
check "their age is told" grep -Eq '^cofre_cosigned_age_seconds [0-9]+$' reply
equal "status lists them" "$(cofre status --json | jq -c '[.witnesses[].name]')" '["w1","w2"]'
server_stop
equal "the last checkpoint is cosigned before the end" "$(lines checkpoint)" 2
equal "up to the log's end" "$(size_of checkpoint)" "$(state_size w1)"
exits 0 "the log verifies" verify vault/audit --vkey vkey
cp vault/audit/checkpoint kept
exits 0 "with both witnesses" verify vault/audit --vkey vkey --witness w1.vkey --witness w2.vkey --quorum 2
sed '/^— cofre-witness/d' kept >vault/audit/checkpoint
mv vault/audit/witnessed witnessed.kept
exits 1 "without their lines the quorum is not met" \
    verify vault/audit --vkey vkey --witness w1.vkey --witness w2.vkey --quorum 2
cp kept vault/audit/checkpoint
mv witnessed.kept vault/audit/witnessed
cp -a vault/audit earlier

# ---- other people's code ----

if command -v go >/dev/null 2>&1 && [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]; then
    export GOPATH=/usr/share/gocode GO111MODULE=off GOFLAGS='' GOCACHE=${GOCACHE:-$PWD/../gocache}
    exits 0 "the verifier builds" go build -o goverify "$COFRE_SRC/tests/tools/goverify/main.go"
    exits 0 "golang.org/x/mod opens the checkpoint with both cosignatures" ./goverify vault/audit vkey w1.vkey w2.vkey
    sed '/^— cofre-witness/d' kept >vault/audit/checkpoint
    exits 1 "and misses them when they are not there" ./goverify vault/audit vkey w1.vkey
    cp kept vault/audit/checkpoint
fi

# ---- one dead: nothing waits for it ----

witness_end w2 KILL
server_start
call crm GET /v1/audit/checkpoint
answered "served with one witness dead" 200
check "one line" wait_for 20 has_lines checkpoint 1
equal "the quorum's checkpoint stays in witnessed" "$(lines witnessed)" 2
check "the operator is told which" grep -q 'witness w2: ' server.err
call - GET /readyz
answered "ready" 200
server_stop
exits 0 "the log verifies, with the quorum that is in witnessed" \
    verify vault/audit --vkey vkey --witness w1.vkey --witness w2.vkey --quorum 2

# ---- witnesses that are none: nothing of what they say is kept ----

cat >false.py <<'END'
import http.server, sys, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        kind = self.path.split("/")[1]
        if kind == "hang":
            time.sleep(30)
        self.send_response(307 if kind == "redirect" else 200)
        if kind == "redirect":
            self.send_header("Location", sys.argv[1] + "/add-checkpoint")
        self.end_headers()
        if kind == "endless":
            for _ in range(100000):
                self.wfile.write(b"x" * 1000)
        if kind == "garbage":
            self.wfile.write("— w AAAAAAA=\n\n".encode())
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
print(server.server_address[1], flush=True)
server.serve_forever()
END
witness_start w3 --log vkey
witness_start w4 --log vkey
python3 false.py "${witness_url[w3]}" >false.port 2>/dev/null &
wait_for 10 test -s false.port
for kind in hang redirect endless garbage another; do
    where=http://127.0.0.1:$(cat false.port)/$kind
    [ $kind != another ] || where=${witness_url[w4]}
    printf 'witness w3 %s %s\nquorum 1\n' "$(cat w3.vkey)" "$where" >vault/policy
    : >server.err
    before=$SECONDS
    server_start
    call crm GET /v1/audit/checkpoint
    answered "$kind: served meanwhile" 200
    check "$kind: the operator is told" wait_for 20 grep -q 'witness w3: ' server.err
    equal "$kind: nothing is kept" "$(lines checkpoint)" 0
    server_stop
    check "$kind: the stop does not hang" test $((SECONDS - before)) -lt 12
    equal "$kind: nothing was kept at the end" "$(lines checkpoint)" 0
done
equal "what had a quorum stays" "$(lines witnessed)" 2
witness_end w3 TERM
witness_end w4 TERM

# ---- required ----

witness_start w2
policy 2 yes
server_start
check "published with both lines" wait_for 20 has_lines checkpoint 2
before=$(size_of checkpoint)
call crm GET /v1/audit/entries
answered "served" 200
check "what came since is published, too" wait_for 20 covers checkpoint "$((before + 1))"
equal "with both lines" "$(lines checkpoint)" 2
witness_end w1 KILL
witness_end w2 KILL
before=$(size_of checkpoint)
call crm GET /v1/audit/entries
answered "within the grace it is served" 200
sleep 1
equal "nothing is published without them" "$(size_of checkpoint)" "$before"
call crm GET /v1/audit/proof?seq="$before"
problem "no proof of what they did not sign" 503 busy
refused() {
    call crm GET /v1/audit/entries
    [ "$status" = 503 ]
}
served() {
    call crm GET /v1/audit/entries
    [ "$status" = 200 ]
}
check "after it, nothing is served" wait_for 20 refused
problem "as audit-unavailable" 503 audit-unavailable
call - GET /readyz
answered "readyz is red" 503
equal "for the witnesses, and no fault of the disk" "$(json .cause)" witnesses
exits 75 "no epoch ends meanwhile" cofre key rotate audit
check "it is told why" grep -q 'no quorum of the witnesses' err
check "and nothing of the disk" not grep -q 'disk' err
check "the operator is told who does not sign" grep -q 'no quorum of the witnesses.*w1, w2' server.err
witness_start w1
witness_start w2
check "it resumes by itself" wait_for 60 served
call - GET /readyz
answered "and is ready" 200
equal "what could not be had for want of them is no error of the vault" "$(grep -c 'in use by another' server.err)" 0
check "what was pending is published" wait_for 20 covers checkpoint "$((before + 1))"
equal "with both lines" "$(lines checkpoint)" 2

# A stop while they are away drains, and leaves what is unsigned to the next start.
witness_end w1 KILL
witness_end w2 KILL
call crm GET /v1/audit/entries
check "nothing is served again" wait_for 20 refused
before=$(size_of checkpoint)
server_stop
check "it says how much is unsigned" grep -Eq 'witnesses: no quorum signed the last [1-9][0-9]* entries' server.err
equal "which is not published" "$(size_of checkpoint)" "$before"
exits 0 "and verifies" verify vault/audit --vkey vkey
witness_start w1
witness_start w2
server_start
check "the next start has it signed" wait_for 20 covers checkpoint "$((before + 2))"
server_stop
exits 0 "the log verifies" verify vault/audit --vkey vkey

# ---- another log under the same key ----

now=$(state_size w1)
{ printf 'old %s\n\n' "$now"; sed '/^— cofre-witness/d' earlier/checkpoint; } >body
ask w1 body
answered "an older checkpoint" 400
{ printf 'old 0\n\n'; sed '/^— cofre-witness/d' earlier/checkpoint; } >body
ask w1 body
answered "from nothing" 409
equal "says the size" "$(cat reply)" "$now"
equal "in a type of its own" "$(header Content-Type)" text/x.tlog.size
equal "and did not go back" "$(state_size w1)" "$now"

# The vault, put back as a whole to an earlier day, goes another way: no witness follows it.
cp -a vault other
sleep 1
server_start
call crm GET /v1/audit/entries
server_stop
ahead=$(state_size w1)
check "the witness followed" test "$ahead" -gt "$now"
vault=other
printf '[witness]\npolicy = policy\ntimeout_ms = 1000\nrequired = no\n' >other/cofre.conf
: >server.err
server_start
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    call crm GET /v1/audit/entries
done
check "it says that this log is not the one" wait_for 20 grep -Eq 'witness w1: it (has cosigned more|has cosigned another|says that this log)' server.err
server_stop
equal "the witness stays where it was" "$(state_size w1)" "$ahead"
equal "no line on the other log" "$(grep -c '^— cofre-witness' other/audit/checkpoint)" 0
vault=vault

# ---- kill -9 in the middle of answering ----

server_start
(while [ ! -e stop ]; do
    curl -s -K crm.curl -o reads "$url/v1/audit/entries?limit=1"
    sleep 0.02
done) &
last=0
for _ in 1 2 3 4 5; do
    sleep 1.2
    witness_end w1 KILL
    witness_start w1
    size=$(state_size w1)
    [ "$size" -ge "$last" ] || fail "the state went back" "$size after $last"
    cosigned=$(size_of witnessed)
    [ "$(state_size w1)" -ge "$cosigned" ] || fail "a cosignature is ahead of the state" "$cosigned"
    last=$size
done
touch stop
server_stop
check "it went on" test "$last" -gt "$ahead"

# ---- the state is neither reset nor put back ----

witness_end w1 TERM
witness_end w2 TERM
refuses() {
    exits 5 "$1" "$COFRE_BIN/cofre" "${options[@]}" witness serve --state copy --listen 127.0.0.1:0
    check "$1: says what" grep -q "$2" err
}
fresh() {
    rm -rf copy
    cp -a w1 copy
}
fresh
rm copy/state
refuses "a missing state" state
fresh
printf 'x' >>copy/state
refuses "an altered state" 'state was altered'
fresh
cp w2/state copy/state
refuses "another witness's state" 'state was altered'
cp w1/state state.then
witness_start w1
server_start
call crm GET /v1/audit/entries
server_stop
witness_end w1 TERM
fresh
cp state.then copy/state
refuses "an older state that is put back" 'state (generation .*) is older than mark'
fresh
rm copy/key
exits 1 "a directory without its key" "$COFRE_BIN/cofre" "${options[@]}" witness serve --state copy --listen 127.0.0.1:0
finish
