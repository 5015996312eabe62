#!/usr/bin/env bash
# A disk that answers EIO, or takes no writes: no data leaves, the operator is told which file and why, and
# service resumes by itself where that is safe, else after a restart.  And a flood of requests without a
# token leaves one entry a second and kind.
# timeout: 300
. "$COFRE_SRC/tests/e2e/lib.sh"
[ -r "${COFRE_FAULT_LIB:-}" ] || skip "the fault library is not built"

vault_shop
server_start
token shop --role ingest
token crm --role crm --view loyalty
token officer --role compliance
server_stop

# From here on `cofre` runs with the faults that $fault names, as long as the file `broken` is there.
preload=$COFRE_FAULT_LIB
case ${COFRE_SANITIZE:-} in
*address*) preload="$(${CC:-cc} -print-file-name=libasan.so) $preload" ;;
esac
mkdir bin
cat >bin/cofre <<SH
#!/bin/sh
exec env LD_PRELOAD="$preload" COFRE_FAULT="\$fault" "$COFRE_BIN/cofre" "\$@"
SH
chmod +x bin/cofre
good=$COFRE_BIN
broken=$PWD/broken

faulty() {
    export fault=$1,while=$broken
    rm -f broken
    : >server.err
    COFRE_BIN=$PWD/bin
    server_start
    COFRE_BIN=$good
    call crm GET '/v1/views/loyalty/records?limit=5'
    answered "$2: before" 200
    : >broken
}

ready_is() {
    call - GET /readyz
    [ "$status" = "$1" ]
}

# closed WHAT CAUSE: nothing is served, and it is told
closed() {
    local what=$1
    call crm GET '/v1/views/loyalty/records?limit=5'
    problem "$what: a read" 503 audit-unavailable
    equal "$what: holds no record" "$(json 'has("records")')" false
    equal "$what: no receipt" "$(receipt 1)" ""
    call shop POST /v1/customers:lookup '{"index":"external_id","value":"S0001"}'
    problem "$what: a look-up" 503 audit-unavailable
    call shop POST /v1/customers "{\"external_id\":\"IO-$RANDOM\"}"
    problem "$what: a change" 503 audit-unavailable
    call - GET /readyz
    answered "$what: readyz" 503
    equal "$what: the kind" "$(json .cause)" "$2"
    check "$what: no path in it" not grep -q vault reply
    call - GET /healthz
    answered "$what: healthz" 200
}

# told TEXT…: the operator was, once
told() {
    equal "the operator is told once: $1" "$(grep -c -- "$1" server.err)" 1
}

# serves WHAT
serves() {
    call crm GET '/v1/views/loyalty/records?limit=5'
    answered "$1: a read" 200
    call shop POST /v1/customers "{\"external_id\":\"OK-$RANDOM$RANDOM\"}"
    answered "$1: a change" 201
    check "$1: readyz" wait_for 10 ready_is 200
}

# restart WHAT: kill -9, and again without faults
restart() {
    server_kill
    exits 0 "$1: what is there verifies" verify vault/audit --vkey vkey
    server_start
    serves "$1: after a restart"
    server_stop
}

journal='audit/journal/[0-9]*'

faulty "path=/vault/audit/journal/,op=write,times=0,do=EIO" "EIO on write"
closed "EIO on write" audit-refused
told "error: .*vault/$journal: write: Input/output error"
rm broken
serves "the disk writes again"
check "EIO on write: and that is told" grep -q 'the audit log can be written again' server.err
restart "EIO on write"

faulty "path=/vault/,op=write|trunc|fsync|open|rename|unlink|alloc|mkdir,times=0,do=EROFS" "read-only"
closed "read-only" audit-log
told "error: .*vault/$journal: write: Read-only file system"
rm broken
call crm GET '/v1/views/loyalty/records?limit=5'
answered "read-only: what is on disk is unknown until a restart" 503
restart "read-only"

faulty "path=/vault/audit/journal/,op=fsync,times=0,do=EIO" "EIO on fdatasync"
closed "EIO on fdatasync" audit-log
told "error: .*vault/$journal: fdatasync: Input/output error"
rm broken
call crm GET '/v1/views/loyalty/records?limit=5'
answered "a failed fdatasync is never tried again" 503
restart "EIO on fdatasync"

faulty "path=/vault/audit/journal/,op=write,times=0,do=short" "short writes"
serves "short writes go on"
rm broken
restart "short writes"

faulty "path=/nowhere/" "the journal deleted"
mkdir kept && cp -a vault/audit/journal/* kept/
rm vault/audit/journal/*
closed "the journal deleted" audit-log
told "error: .*vault/$journal: not there any more: No such file or directory"
cp -a kept/* vault/audit/journal/
call crm GET '/v1/views/loyalty/records?limit=5'
answered "put back under the running server is not the same" 503
restart "the journal deleted, and put back"

faulty "path=/vault/vault.db,op=write|fsync,times=0,do=EIO" "EIO in the database"
call shop POST /v1/customers '{"external_id":"DB1"}'
answered "EIO in the database: a change" 503
check "EIO in the database: the operator is told the file" grep -q 'error: .*vault/vault.db' server.err
call crm GET '/v1/views/loyalty/records?limit=5'
check "EIO in the database: a read has its entry, or is none" [ "$status" = 503 -o -n "$(receipt 1)" ]
rm broken
restart "EIO in the database"

# Behind the journal: entries are durable, so serving goes on; but a proof cannot be had, and that is told.
faulty "path=/vault/audit/tile/,op=write|open,times=0,do=EIO" "EIO on tiles"
call crm GET '/v1/views/loyalty/records?limit=5'
answered "EIO on tiles: a read is recorded" 200
check "EIO on tiles: readyz" wait_for 10 ready_is 503
equal "EIO on tiles: the kind" "$(json .cause)" audit-behind
call officer GET "/v1/audit/proof?seq=$(receipt 1)"
check "EIO on tiles: no proof" [ "$status" != 200 ]
check "EIO on tiles: told" wait_for 5 grep -q 'not ready: vault/audit: .*Input/output error' server.err
rm broken
check "EIO on tiles: goes on by itself" wait_for 10 ready_is 200
restart "EIO on tiles"

faulty "path=/vault/anchor,op=write|open|rename,times=0,do=EIO" "EIO on the anchor"
call crm GET '/v1/views/loyalty/records?limit=5'
check "EIO on the anchor: readyz" wait_for 10 ready_is 503
equal "EIO on the anchor: the kind" "$(json .cause)" anchor
told 'anchor: .*Input/output error'
rm broken
check "EIO on the anchor: goes on by itself" wait_for 10 ready_is 200
restart "EIO on the anchor"

# A flood without a token.
server_start
size=$(log_size)
began=$(date +%s)
cat >flood.py <<'PY'
import http.client, sys, threading, urllib.parse
at = urllib.parse.urlparse(sys.argv[1])
counts = [0] * 8
def work(k):
    c = http.client.HTTPConnection(at.hostname, at.port, timeout=30)
    for i in range(1000):
        headers = {} if i % 2 else {'Authorization': 'Bearer cofre_' + 'x' * 43}
        c.request('GET', '/v1/views/loyalty/records', headers=headers)
        r = c.getresponse()
        r.read()
        counts[k] += r.status == 401
threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sum(counts))
PY
equal "8,000 requests without a token, each refused" "$(python3 flood.py "$url")" 8000
sleep 1.2
seconds=$(($(date +%s) - began + 1))
server_stop
summed=$(cofre --json audit show --from "$size" --limit 10000 | jq -c 'select(.act=="auth-failed")')
equal "all are in the log" "$(jq -s 'map(.n) | add' <<<"$summed")" 8000
equal "by kind" "$(jq -s -c 'map(.fields[0]) | unique' <<<"$summed")" '["bad-token","missing"]'
most=$((2 * seconds))
check "in one entry a second and kind, at most ($most)" [ "$(wc -l <<<"$summed")" -le "$most" ]
exits 0 "the log is whole" verify vault/audit --vkey vkey
finish
