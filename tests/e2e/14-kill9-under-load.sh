#!/usr/bin/env bash
# kill -9 under the load of 64 clients loses nothing that was acknowledged, neither a change nor an entry.
# labels: race
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
server_start
token shop --role ingest
token crm --role crm --view loyalty
server_stop
: >acknowledged

for turn in 1 2 3 4 5; do
    before=$(wc -l <acknowledged)
    server_start
    python3 "$COFRE_SRC/tests/e2e/load.py" "$url" acknowledged shop.curl crm.curl $turn >strange &
    client=$!
    # Not at a fixed moment: after some answers, and then a little.
    wait_for 60 sh -c 'test "$(wc -l <acknowledged)" -gt "$1"' - $((before + 20 * turn))
    sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
    server_kill
    wait "$client" || fail "round $turn: answers that should not be" "$(cat strange)"
    check "round $turn: something was acknowledged" test "$(wc -l <acknowledged)" -gt "$before"
    exits 0 "round $turn: the log as the crash left it is good" verify vault/audit --vkey vkey
    cp vault/audit/checkpoint "checkpoint.$turn"
done

server_start
for turn in 1 2 3 4 5; do
    since+=(--since "checkpoint.$turn")
done

# Every customer that was acknowledged is there, under the id that was given.
grep '^create' acknowledged | cut -f2,3 | sort >created
check "customers were created ($(wc -l <created))" test "$(wc -l <created)" -ge 20
{
    printf 'silent\n'
    cat shop.curl
    printf 'header = "Content-Type: application/json"\n'
} >lookup.curl
while IFS=$'\t' read -r name _; do
    printf 'next\n'
    cat lookup.curl
    printf 'url = "%s/v1/customers:lookup"\ndata = "{\\"index\\":\\"external_id\\",\\"value\\":\\"%s\\"}"\n' "$url" "$name"
    printf 'write-out = "\\n"\n'
done <created | tail -n +2 >many.curl
curl -K many.curl >found 2>curl.err
sed -n 's/.*"id":"\([^"]*\)".*/\1/p' found >ids
equal "every acknowledged customer is found, under its id" "$(sha256sum <ids)" "$(cut -f2 created | sha256sum)"

# Every receipt that was received is in the log: its number, and its hash.
size=$(log_size)
: >lines
for ((from = 0; from < size; from += 1000)); do
    cofre --json audit show --from "$from" --limit 1000 >>lines 2>err
done
python3 - acknowledged lines >missing <<'END'
import base64, hashlib, json, sys
leaf = {}
for line in open(sys.argv[2], "rb"):
    line = line.rstrip(b"\n")
    leaf[json.loads(line)["seq"]] = base64.b64encode(hashlib.sha256(b"\0" + line).digest()).decode()
for line in open(sys.argv[1]):
    act, name, cus, seq, want = line.split()
    if leaf.get(int(seq)) != want:
        print(act, name, seq)
END
equal "every receipt is in the log" "$(head -n 5 missing)" ""
equal "no two answers have one number" "$(cut -f4 acknowledged | sort | uniq -d | head -n 3)" ""

server_stop
exits 0 "the log is whole, and continues every checkpoint" verify vault/audit --vkey vkey "${since[@]}"
exits 0 "by cofre, too" cofre doctor
finish
