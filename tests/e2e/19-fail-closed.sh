#!/usr/bin/env bash
# No durable entry, no data: without its journal, or on a full disk, the server answers 503 and no more.
. "$COFRE_SRC/tests/e2e/lib.sh"

# closed WHAT: the vault serves nothing
closed() {
    local what=$1
    call crm GET '/v1/views/loyalty/records?limit=5'
    problem "$what: a read" 503 audit-unavailable
    equal "$what: holds no record" "$(json 'has("records")')" false
    equal "$what: no receipt" "$(receipt 1)" ""
    call shop POST /v1/customers '{"external_id":"F1"}'
    answered "$what: a change" 503
    call shop POST /v1/customers:lookup '{"index":"external_id","value":"S0001"}'
    answered "$what: a look-up" 503
    call - GET /readyz
    answered "$what: readyz" 503
    call - GET /healthz
    answered "$what: healthz (the process lives)" 200
    call - GET /metrics
    answered "$what: metrics" 200
}

vault_shop
server_start
token shop --role ingest
token crm --role crm --view loyalty
call crm GET '/v1/views/loyalty/records?limit=5'
answered "before" 200
cp -a vault/audit/journal kept
rm vault/audit/journal/*
closed "the journal deleted"
check "the operator is told" grep -qi 'journal\|audit' server.err
exits 75 "a command: try again" cofre view list
server_kill
check "nothing opens that vault" not server_begin
cp -a kept/* vault/audit/journal/
exits 0 "with its journal put back it opens" cofre status

# Nor is a directory that was moved away and back the place where others look.
server_start
mv vault/audit/journal moved
closed "the directory of the journal moved"
server_kill
mv moved vault/audit/journal
exits 0 "with it put back it opens" cofre status

# Another file at the journal's place is not the journal.
server_start
last=$(find vault/audit/journal -type f | sort | tail -n 1)
cp "$last" copy && mv copy "$last"
closed "the journal replaced"
server_kill

# A disk that is full: only where we may mount one.
mkdir disk
if [ "$(id -u)" -ne 0 ] || ! mount -t tmpfs -o size=6m,mode=0700 none disk 2>/dev/null; then
    echo "no full disk here: this needs root, and mount"
    finish
fi
unmount() {
    [ -z "$server" ] || kill -9 "$server" 2>/dev/null
    wait 2>/dev/null
    umount disk 2>/dev/null || umount -l disk
}
trap 'code=$?; unmount; exit $code' EXIT
vault=disk/vault
vault_new
must cofre import customers customers.csv >out 2>err
must cofre view apply loyalty.json >out 2>err
server_start
token shop --role ingest
token crm --role crm --view loyalty
dd if=/dev/zero of=disk/ballast bs=4k status=none 2>/dev/null
for limit in 1000 100 1; do
    for ((i = 0; i < 500; i++)); do
        call crm GET "/v1/views/loyalty/records?limit=$limit"
        [ "$status" = 200 ] || break
    done
    answered "a full disk: pages of $limit" 503
done
equal "a full disk: holds no record" "$(json 'has("records")')" false
call shop POST /v1/customers '{"external_id":"F1"}'
answered "a full disk: a change" 503
call - GET /readyz
answered "a full disk: readyz" 503
rm disk/ballast
call crm GET '/v1/views/loyalty/records?limit=5'
answered "with space again it serves by itself" 200
call - GET /readyz
answered "and is ready" 200
server_kill
exits 0 "with space again the vault opens" cofre status
exits 0 "and its log is whole" verify disk/vault/audit --vkey vkey
server_start
call crm GET '/v1/views/loyalty/records?limit=5'
answered "and serves" 200
finish
