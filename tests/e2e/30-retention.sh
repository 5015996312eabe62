#!/usr/bin/env bash
# The oldest entries of the log are given up, announced and signed: what is left verifies, what is gone can
# still be proved, and bundles that are missing without that are tampering.
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
server_start
token crm --role crm --view loyalty
token officer --role compliance

# Each an entry.
requests() {
    curl -sS -K crm.curl "$url/v1/views/loyalty/records?limit=[1-$1]" -o reply
}

requests 1000
exits 6 "nothing to prune" cofre audit prune --below 200
check "says so" grep -q 'nothing to prune' err
exits 6 "the newest stay" cofre audit prune --below 999999
check "says so, too" grep -q 'newest 1024 entries' err
exits 2 "below what?" cofre audit prune
exits 2 "either, or" cofre audit prune --below 5 --keep 1d
exits 2 "how long?" cofre audit prune --keep soon
exits 6 "all is of today" cofre audit prune --keep 1d
requests 900
cofre audit checkpoint >early 2>err
cofre --json audit show --from 3 --limit 1 >line3
printf %s "$(cat line3)" >entry3

size=$(log_size)
exits 0 "a dry run" cofre audit prune --dry-run --below 600 --json
equal "tells what would go" "$(jq -c '[.first,.bundles,.entries,.dry_run]' out)" '[512,2,512,true]'
check "and leaves it there" test -s vault/audit/tile/entries/000
exits 0 "what is below goes" cofre audit prune --below 600 --json
equal "whole bundles" "$(jq -c '[.first,.bundles,.entries]' out)" '[512,2,512]'
check "their files are gone" not test -e vault/audit/tile/entries/000 -o -e vault/audit/tile/entries/001
check "the next is there" test -s vault/audit/tile/entries/002
check "hash tiles stay" test -s vault/audit/tile/0/000
exits 0 "the log verifies while the vault serves" verify vault/audit --vkey vkey --since early
exits 0 "and by the vault" cofre audit verify --since early
entry "$((size + 2))" | jq -r '[.act, (.fields | join(" ")), .ok, .code] | @tsv' >pruned
equal "it was announced" "$(cat pruned)" "$(printf 'audit-prune\tbundles-2\ttrue\t0')"

# What is gone says so; its proof is still there.
call officer GET '/v1/audit/entries?from=511&limit=5'
problem "a pruned entry" 404 not-found "?from"
call officer GET '/v1/audit/entries?from=512&limit=1'
answered "the first one left" 200
exits 1 "on the command line" cofre audit show --from 0
check "it is told which are left" grep -q 'below 512 were pruned' err
call officer GET '/v1/audit/tile/entries/000'
answered "its bundle" 404
exits 0 "a proof of a pruned entry" cofre audit prove 3
cp out proof3
exits 0 "that verifies for who kept the entry" verify --proof proof3 --entry entry3 --vkey vkey

# Killed; a vault that is opened again needs nothing of what is gone.
server_kill
exits 0 "the log as the crash left it" verify vault/audit --vkey vkey --since early
exits 0 "the vault opens" cofre doctor
rm -rf with
cp -a vault/audit with
rm with/tile/entries/002
exits 1 "another bundle that is missing is no pruning" verify with --vkey vkey
check "it is named" grep -Eq 'entry 512|tile/entries/002' out
rm -rf with
cp -a vault/audit with
rm with/keys/pruned
exits 1 "nor are these without the note" verify with --vkey vkey
rm -rf with
cp -a vault/audit with
sed -i 's/^cofre-pruned.v1 2/cofre-pruned\/v1 3/' with/keys/pruned
exits 1 "nor with a note that says more" verify with --vkey vkey

# By age, and the pruned entries leave the journal, too.
sleep 2
exits 6 "nothing is that old" cofre audit prune --keep 1y
server_start
requests 600
exits 0 "older than a second" cofre audit prune --keep 1s --json
first=$(jq .first out)
check "all but the newest of those" test "$first" -gt 512
requests 300
cofre audit checkpoint >late 2>err
check "the journal begins later" test ! -e vault/audit/journal/00000000000000000000
call officer GET "/v1/audit/entries?from=$first&limit=1"
answered "the first one left" 200
server_stop
check "the note names the first left" grep -qx "cofre-pruned/v1 $((first / 256))" vault/audit/keys/pruned
exits 0 "all of it verifies" verify vault/audit --vkey vkey --since early --since late
exits 0 "and opens" cofre status

# Small entries: the journal's last file holds some that go, and the command says until when.
server_start
small() {
    curl -sS -K officer.curl "$url/v1/audit/checkpoint?n=[1-$1]" -o reply
}
small 1700
exits 0 "they are signed" cofre audit checkpoint
exits 0 "entries of the journal's last file" cofre audit prune --below $(($(log_size) - 1100))
check "are still there, which is said" grep -Eq '^Those from [0-9]+ on are still in the journal' out
from=$(sed -n 's/^Those from \([0-9]*\) on.*/\1/p' out)
until=$(sed -n 's/.* once the log has \([0-9]*\) entries\.$/\1/p' out)
file=vault/audit/journal/$(printf %020d "$from")
check "that is the file" test -s "$file"
check "a bundle's end, less than 256 entries on" \
    test "$((until % 256)) $((until - $(sed -n 2p vault/audit/checkpoint) < 256))" = "0 1"
small $((until - $(log_size)))
check "then it is gone" wait_for 5 not test -e "$file"
server_stop
exits 0 "the log verifies with it gone" verify vault/audit --vkey vkey --since early --since late
finish
