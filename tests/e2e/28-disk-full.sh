#!/usr/bin/env bash
# A full disk: readyz is red before it is, the last entries are written from the reserve, nothing is served,
# and with room again the vault goes on by itself; the log says from when to when.
# timeout: 300
. "$COFRE_SRC/tests/e2e/lib.sh"

mkdir disk
if [ "$(id -u)" -ne 0 ] || ! mount -t tmpfs -o size=32m,mode=0700 none disk 2>/dev/null; then
    skip "a small file system needs root, and mount"
fi
unmount() {
    [ -z "$server" ] || kill -9 "$server" 2>/dev/null
    wait 2>/dev/null
    umount disk 2>/dev/null || umount -l disk
}
trap 'code=$?; unmount; exit $code' EXIT

left_kib() {
    df --output=avail -k disk | tail -n 1 | tr -d ' '
}
# fill KIB: leaves so much
fill() {
    local more=$(($(left_kib) - $1))
    [ "$more" -le 0 ] || head -c $((more * 1024)) /dev/zero >>disk/ballast
}
ready_is() {
    call - GET /readyz
    [ "$status" = "$1" ]
}
entries_of() {
    "$COFRE_BIN/cofre" --vault "$vault" --key-file "$key" "${options[@]}" --json audit show --from 0 --limit 100000 |
        jq -rc "select(.act==\"$1\")"
}

vault=disk/vault
vault_new
cp "$shop"/*.csv "$shop"/*.json .
must cofre import customers customers.csv >out 2>err
must cofre view apply loyalty.json >out 2>err
check "the reserve is there, closed to others" [ "$(stat -c %a disk/vault/reserve)" = 600 ]
equal "a sixteenth of a small disk" "$(stat -c %s disk/vault/reserve)" $((2 * 1024 * 1024))
check "and it holds blocks" [ "$(stat -c %b disk/vault/reserve)" -ge 4096 ]
server_start
token shop --role ingest
token crm --role crm --view loyalty
call - GET /readyz
answered "at first it is ready" 200
equal "and says so" "$(json .status)" ready
call - GET /metrics
check "the gauge says ready" grep -qx 'cofre_ready 1' reply
check "room left is a figure" grep -q '^cofre_disk_left_bytes [1-9]' reply

# Red before it is full: still serving.
fill 1024
call - GET /readyz
answered "with 1 MiB left of 32 readyz is red" 503
equal "it names the kind" "$(json .cause)" disk-low
check "and no path" not grep -q disk/ reply
call - GET /metrics
check "the gauge says not ready" grep -qx 'cofre_ready 0' reply
check "the figure is small" [ "$(sed -n 's/^cofre_disk_left_bytes //p' reply)" -le $((1024 * 1024)) ]
call crm GET '/v1/views/loyalty/records?limit=5'
answered "and it serves" 200
check "the operator is told how much, and where" wait_for 5 grep -q 'disk: [01]\.[0-9] MiB left at disk/vault' server.err
rm disk/ballast
check "with room it is ready again" wait_for 5 ready_is 200
check "and the operator is told" wait_for 5 grep -q 'ready again' server.err

# Full.
: >server.err
call shop POST /v1/customers '{"external_id":"F0"}'
answered "before" 201
fill 0
for ((i = 0; i < 3000; i++)); do
    call crm GET "/v1/views/loyalty/records?limit=100"
    [ "$status" = 200 ] || break
done
problem "a full disk: a read" 503 audit-unavailable
equal "holds no record" "$(json 'has("records")')" false
equal "no receipt" "$(receipt 1)" ""
check "the reserve is given up" not test -e disk/vault/reserve
# What it gave is not for others.
fill 0
for limit in 100 1; do
    call crm GET "/v1/views/loyalty/records?limit=$limit"
    problem "a read of $limit" 503 audit-unavailable
done
call shop POST /v1/customers '{"external_id":"F1"}'
problem "a change" 503 audit-unavailable
call shop POST /v1/customers:lookup '{"index":"external_id","value":"S0001"}'
problem "a look-up" 503 audit-unavailable
call - GET /v1/views/loyalty
answered "a request without a token" 401
call - GET /readyz
answered "readyz" 503
equal "names the kind" "$(json .cause)" disk-full
call - GET /healthz
answered "the process lives" 200
exits 75 "a command: try again" cofre view list
check "it says why" grep -q 'disk full' err
for ((i = 0; i < 40; i++)); do
    call crm GET '/v1/views/loyalty/records?limit=1'
done
equal "the operator is told once that it is full" "$(grep -c 'disk full at disk/vault' server.err)" 2
equal "and the journal's path and errno once" \
    "$(grep -c 'disk/vault/audit/journal/[0-9]*: write: No space left on device' server.err)" 1

# Too little room for the reserve and a margin: not yet.
fill 0
truncate -s -1M disk/ballast
sleep 1.5
call crm GET '/v1/views/loyalty/records?limit=1'
answered "one MiB is too little to go on" 503
check "no reserve yet" not test -e disk/vault/reserve

# Room: by itself, without a request.
rm disk/ballast
check "with room again it is ready, without a restart" wait_for 10 ready_is 200
check "the reserve is made again" [ "$(stat -c %b disk/vault/reserve)" -ge 4096 ]
call crm GET '/v1/views/loyalty/records?limit=5'
answered "and serves" 200
call shop POST /v1/customers '{"external_id":"F2"}'
answered "and takes in" 201
check "the operator is told" grep -q 'has room again' server.err
server_stop
exits 0 "its log is whole" verify disk/vault/audit --vkey vkey
equal "the log says when it ended" \
    "$(entries_of unavailable | jq -rc '[.role,.ok,.code,.fields]')" '["system",false,75,["disk-full"]]'
equal "and when it began again" \
    "$(entries_of available | jq -rc '[.role,.ok,.code,.fields]')" '["system",true,0,["disk-full"]]'
first=$(entries_of unavailable | jq .seq)
equal "between them nothing was recorded" "$(entries_of available | jq .seq)" $((first + 1))
exits 0 "the vault holds what was acknowledged" cofre status

# A start on a full disk serves nothing, and says so; with the reserve gone it is made at the start.
rm disk/vault/reserve
server_start
check "a reserve that is missing is made at the start" test -e disk/vault/reserve
server_stop
rm disk/vault/reserve
fill 512
server_refused "a start without room" 75
check "it says why" grep -q 'disk full at disk/vault' server.err
rm disk/ballast
server_start
call crm GET '/v1/views/loyalty/records?limit=5'
answered "with room it starts" 200
server_stop

# Many changes under way when it fills: whoever was told 201 is there, and the log fits the rows.
server_start
fill 600
cat >flood.py <<'PY'
import json, sys, threading, urllib.request, urllib.error
url, header = sys.argv[1], open(sys.argv[2]).read().split('"')[1]
name, value = header.split(': ', 1)
kept, lock, full = [], threading.Lock(), threading.Event()
def work(k):
    for i in range(400):
        if full.is_set():
            return
        ids = ['%d-%d-%d' % (k, i, j) for j in range(100)]
        body = json.dumps({"customers": [{"external_id": x} for x in ids]}).encode()
        r = urllib.request.Request(url + '/v1/customers:batch', body, {name: value, 'Content-Type': 'application/json'})
        try:
            with urllib.request.urlopen(r, timeout=60) as reply:
                if reply.status == 200:
                    with lock:
                        kept.extend(ids)
        except urllib.error.HTTPError as e:
            if json.load(e).get('code') == 'audit-unavailable':
                full.set()
threads = [threading.Thread(target=work, args=(k,)) for k in range(16)]
[t.start() for t in threads]
[t.join() for t in threads]
print(len(kept))
json.dump(kept, open('kept.json', 'w'))
PY
must python3 flood.py "$url" shop.curl >flooded
rm -f disk/ballast
check "ready again" wait_for 10 ready_is 200
call crm GET '/v1/views/loyalty/records?limit=5'
answered "and it serves" 200
sample=$(jq -r '.[-1] // empty' kept.json)
if [ -n "$sample" ]; then
    call shop POST /v1/customers:lookup "{\"index\":\"external_id\",\"value\":\"$sample\"}"
    answered "the last that was acknowledged is there" 200
fi
server_kill
server_start
call crm GET '/v1/views/loyalty/records?limit=5'
answered "after a kill it opens: rows and log fit" 200
server_stop
exits 0 "its log is whole" verify disk/vault/audit --vkey vkey
finish
