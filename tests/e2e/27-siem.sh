#!/usr/bin/env bash
# Entries for collectors: each format, a cursor that a fork or an older log does not pass, and a collector that
# dies in the middle and comes back: every entry arrives, in order, at least once, and the vault serves on.
# timeout: 300
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
origin=$(cut -d+ -f1 vkey)
server_start
token shop --role ingest
token crm --role crm --view loyalty
reads() {
    for ((i = 0; i < $1; i++)); do
        call crm GET '/v1/views/loyalty/records?limit=3'
    done
}
reads 5
call - GET /v1/views/loyalty
call shop GET '/v1/views/loyalty/records'

# ---- formats ----
exits 0 "jsonl" cofre audit export
cp out all.jsonl
size=$(wc -l <all.jsonl)
check "there are some" [ "$size" -gt 10 ]
cofre --json audit show --from 0 --limit "$size" >shown
check "are the lines as they stand" cmp -s all.jsonl shown
equal "the export is itself an entry" \
    "$(entry "$size" | jq -rc '[.act,.role,.ok,.n,.fields]')" "[\"audit-export\",\"admin\",true,$size,[\"from-0\"]]"
exits 0 "a part" cofre audit export --from 3 --limit 4
check "is that part" cmp -s out <(sed -n 4,7p all.jsonl)
exits 0 "cef" cofre audit export --format cef --limit "$size"
equal "cef: a line each" "$(grep -c '^CEF:0|Cofre|Cofre|[^|]*|[a-z-]*|[a-z ]*|[0-9]*|rt=' out)" "$size"
check "cef: the refusal is a warning" grep -q '|view-records|view records|6|.*outcome=failure reason=403' out
exits 0 "ocsf" cofre audit export --format ocsf --limit "$size"
jq -c '.raw_data' out | jq -r . >raw
check "ocsf: raw_data is the line" cmp -s raw all.jsonl
equal "ocsf: the class" "$(jq -rc '[.class_uid,.type_uid-.activity_id,.metadata.profiles[0]]' out | sort -u)" \
    '[6003,600300,"record_integrity"]'
cat >chain.py <<'PY'
import hashlib, json, sys
prev = None
for line in open(sys.argv[1]):
    e = json.loads(line)
    a, = e["attestation_list"]
    assert hashlib.sha256(b"\0" + e["raw_data"].encode()).hexdigest() == a["fingerprint"]["value"]
    assert hashlib.sha256(e["raw_data"].encode()).hexdigest() == e["raw_data_hash"]["value"]
    if prev is None:
        assert "prev_event" not in a
    else:
        assert a["prev_event"]["fingerprint"]["value"] == prev[0] and a["prev_event"]["uid"] == prev[1]
    prev = a["fingerprint"]["value"], e["metadata"]["uid"]
print("chain holds")
PY
equal "ocsf: the attestations are the log's chain" "$(python3 chain.py out)" "chain holds"
exits 2 "no such format" cofre audit export --format xml

# ---- the cursor ----
exits 0 "from a cursor that is not there yet" cofre audit export --cursor cursor --limit 7
cp out part
exits 0 "and on" cofre audit export --cursor cursor
cat out >>part
check "each entry once, in order" cmp -s <(head -n "$size" part) all.jsonl
check "the file is for us alone" [ "$(stat -c %a cursor)" = 600 ]
equal "it names the log and the next entry" "$(sed -n 2,3p cursor | paste -sd' ')" "$origin $(wc -l <part)"
exits 2 "a cursor and --from contradict" cofre audit export --cursor cursor --from 3
sed '4s/.*/'"$(printf '0%.0s' {1..64})"'/' cursor >forked
cp forked kept
exits 5 "a fork is refused" cofre audit export --cursor forked
check "with that word" grep -q fork err
equal "nothing is printed" "$(cat out)" ""
check "the cursor is as it was" cmp -s forked kept
sed '3s/.*/99999/' cursor >older
exits 5 "an older log is refused" cofre audit export --cursor older
check "with that word" grep -q older err
sed '2s/.*/other.example\/log/' cursor >other
exits 5 "another log is refused" cofre audit export --cursor other
echo junk >junk
exits 1 "what is no cursor is refused" cofre audit export --cursor junk
exits 75 "nobody reads" bash -c '"$@" | true; exit "${PIPESTATUS[0]}"' - \
    "$COFRE_BIN/cofre" --vault vault --key-file key "${options[@]}" audit export --format ocsf
exits 1 "a cursor that cannot be kept" cofre audit export --cursor no/such/place

# ---- a pipe whose reader dies ----
follow() {
    exec "$COFRE_BIN/cofre" --vault vault --key-file key "${options[@]}" audit export --follow "$@"
}
: >got
for _ in 1 2 3; do
    # Reads ten lines, keeps what it read, and dies.
    follow --cursor piped 2>follow.err | python3 -c '
import os, sys
f = open("got", "ab", 0)
for n in range(10):
    f.write(sys.stdin.buffer.readline())
os._exit(9)'
    reads 2
done
timeout 5 "$COFRE_BIN/cofre" --vault vault --key-file key "${options[@]}" audit export --cursor piped >>got
cat >complete.py <<'PY'
# Every entry from 0 up to the last is there; each first time in order.
import json, sys
seen = -1
for line in open(sys.argv[1]):
    try:
        seq = json.loads(line)["seq"]
    except ValueError:
        continue
    assert seq <= seen + 1, (seq, seen)
    seen = max(seen, seq)
assert seen >= int(sys.argv[2]), seen
print("complete")
PY
equal "a pipe: nothing is missing" "$(python3 complete.py got $((size + 5)))" complete

# ---- nothing spins ----
follow --cursor quiet >quiet.out 2>quiet.err &
one=$!
follow --cursor quiet2 >quiet2.out 2>quiet2.err &
two=$!
# The server's size, with nothing left behind by asking.
size_now() {
    call - GET /metrics
    sed -n 's/^cofre_log_size //p' reply
}
sleep 2.5
before=$(size_now)
sleep 2.5
equal "two that follow leave no entry while nothing happens" "$(size_now)" "$before"
reads 1
last=$(receipt 1)
arrived() {
    grep -q "\"seq\":$last," "$1"
}
check "news arrives" wait_for 5 arrived quiet.out
check "at both" wait_for 5 arrived quiet2.out
kill -TERM $one $two
wait $one
equal "SIGTERM ends it well" $? 0
wait $two

# ---- a collector that does not read ----
mkfifo stuck
# shellcheck disable=SC2217 # it holds the pipe open, and reads nothing
sleep 300 <stuck &
sleeper=$!
follow --format ocsf >stuck 2>stuck.err &
exporter=$!
sleep 1
began=$(date +%s%N)
reads 50
answered "a dead collector: the vault serves on" 200
check "and quickly" [ $((($(date +%s%N) - began) / 1000000)) -lt 20000 ]
for ((i = 0; i < 12; i++)); do
    exits 0 "a dead collector: commands run" cofre purpose list
done
server_stop
server_start
call crm GET '/v1/views/loyalty/records?limit=3'
answered "the server stops and starts beside it" 200
kill -TERM $exporter
wait $exporter
equal "and it can be ended" $? 0
kill $sleeper

# ---- syslog ----
cat >collector.py <<'PY'
# collector.py SOCKET FILE KIND N: appends messages to FILE; dies after N without notice (0: never; deaf: after a
# while, and has read nothing).
import os, socket, sys, time
path, out, kind, n = sys.argv[1], open(sys.argv[2], "ab", 0), sys.argv[3], sys.argv[4]
if os.path.exists(path):
    os.unlink(path)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "dgram" else socket.SOCK_STREAM)
s.bind(path)
if n == "deaf":
    if kind == "stream":
        s.listen(5)
    time.sleep(3)
    os._exit(9)
n = int(n)
if kind == "dgram":
    read = lambda: s.recv(65536)
else:
    s.listen(5)
    c, _ = s.accept()
    f = c.makefile("rb")
    read = lambda: f.readline().rstrip(b"\n")
while True:
    m = read()
    if not m and kind == "stream":
        c, _ = s.accept()
        f = c.makefile("rb")
        continue
    out.write(m + b"\n")
    n -= 1
    if n == 0:
        os._exit(9)
PY
for kind in dgram stream; do
    rm -f sock got
    follow --syslog sock --cursor "cursor.$kind" 2>"syslog.$kind.err" &
    exporter=$!
    for n in 7 9 30; do
        python3 collector.py "$PWD/sock" got $kind $n
        reads 3
    done
    # What lies unread in the queue of a collector that dies is gone with it, and comes again.
    python3 collector.py "$PWD/sock" got $kind deaf &
    collector=$!
    sleep 1.5
    reads 3
    wait $collector
    [ $kind = stream ] || rm sock # gone with its socket, or without
    sleep 0.5
    reads 3
    last=$(receipt 1)
    python3 collector.py "$PWD/sock" got $kind 0 &
    collector=$!
    check "$kind: the last arrives" wait_for 20 grep -q " seq=\"$last\" " got
    kill -TERM $exporter
    wait $exporter
    equal "$kind: ends well" $? 0
    kill $collector
    equal "$kind: each is an RFC 5424 message" \
        "$(grep -vcE '^<1(0[6-9]|10)>1 [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z [!-~]+ cofre - [a-z-]+ \[cofre@32473 log="[^"]*" seq="[0-9]+" hash="[0-9a-f]{64}" .*\]\[origin [^]]*\]\[meta sequenceId="[0-9]+"\] (\{"prev":.*\}|entry [0-9]+ has [0-9]+ bytes, too many for one message)$' got)" 0
    sed 's/^[^[]*\[cofre@32473 [^]]* seq="\([0-9]*\)".*/{"seq":\1}/' got >got.jsonl
    check "$kind: whole entries are among them" grep -q '"seq":1,.*\]}$' got
    check "$kind: none is too long for a collector" [ "$(wc -L <got)" -le 8192 ]
    equal "$kind: nothing is missing" "$(python3 complete.py got.jsonl "$last")" complete
    check "$kind: the operator is told that it was gone" grep -q 'the collector is gone' "syslog.$kind.err"
done
reads 1
answered "the vault serves on" 200

# ---- a server that goes and comes ----
follow --cursor on.and.on >on.out 2>on.err &
exporter=$!
check "what is there" wait_for 5 test -s on.out
server_stop
sleep 1
server_start
reads 1
last=$(receipt 1)
check "it goes on after a restart" wait_for 10 arrived on.out
equal "nothing is missing" "$(python3 complete.py on.out "$last")" complete
check "it said once that it waits" [ "$(grep -c 'waiting for a server' on.err)" -le 1 ]
kill -TERM $exporter
wait $exporter
server_stop
exits 0 "without a server the command opens the vault" cofre audit export --cursor on.and.on
exits 0 "the log is whole" verify vault/audit --vkey vkey
finish
