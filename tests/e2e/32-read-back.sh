#!/usr/bin/env bash
# A bit that flips in what was stored of the log is found before it is signed: signing stops, nothing is
# served, and the operator is told where.
. "$COFRE_SRC/tests/e2e/lib.sh"
[ -r "${COFRE_FAULT_LIB:-}" ] || skip "the fault library is not built"

vault_shop
server_start
token crm --role crm --view loyalty
server_stop
cp -a vault before

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

read_is() {
    call crm GET '/v1/views/loyalty/records?limit=3'
    [ "$status" = "$1" ]
}

# flips WHAT PATH: with a server that serves, one bit of what is written below that path from now on is another
flips() {
    export fault="path=$2,op=write,do=flip,times=0,while=$broken"
    rm -rf vault "$broken"
    cp -a before vault
    : >server.err
    COFRE_BIN=$PWD/bin
    server_start
    COFRE_BIN=$good
    check "$1: before" read_is 200
    : >"$broken"
    read_is 200
    check "$1: then nothing is served" wait_for 10 read_is 503
    problem "$1" 503 audit-unavailable
    call - GET /readyz
    answered "$1: readyz" 503
    server_kill
}

for level in entries 0; do
    flips "a tile of $level" "/audit/tile/$level"
    check "a tile of $level: file and byte are told" grep -Eq "tile/$level/000.p/[0-9]+: byte [0-9]+ is not what was written" server.err
    exits 0 "a tile of $level: what is signed is good" verify vault/audit --vkey vkey
    server_start
    check "a tile of $level: after a restart it is written again, and served" read_is 200
    server_stop
    exits 0 "a tile of $level: and good" verify vault/audit --vkey vkey --since before/audit/checkpoint
done

# Entries are acknowledged when they are durable: what the disk made of one afterwards cannot be mended.
flips "the journal" /audit/journal
check "the journal: the entry is told" grep -Eq 'entry [0-9]+' server.err
cp vault/audit/checkpoint kept
exits 1 "the journal: a verifier finds it" verify vault/audit --vkey vkey
exits 5 "the journal: the vault does not open" cofre status
finish
