#!/usr/bin/env bash
# Whatever is changed in a log shows, and a vault of which a part was changed or put back does not open.
# timeout: 300
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
server_start
token crm --role crm --view loyalty
cp -a vault/audit early
# Enough entries for a full tile, partial ones of several checkpoints, and a journal.
curl -s -K crm.curl "$url/v1/views/loyalty/records?limit=[1-330]" -o reply
for _ in 1 2 3; do
    cofre audit checkpoint >kept.checkpoint 2>err
    curl -s -K crm.curl "$url/v1/views/loyalty/records?limit=[1-3]" -o reply
done
server_stop
cp -a vault/audit good
exits 0 "the log is good" verify good --vkey vkey
check "it has a full tile" test -s good/tile/0/000
check "and partial tiles of former checkpoints" test "$(find good/tile/entries/001.p -type f | wc -l)" -ge 4

# altered WANT WHAT CMD…: the command changes ./t, a copy of the log; then cofre-verify's exit status
altered() {
    local want=$1 what=$2
    shift 2
    rm -rf t
    cp -a good t
    must "$@"
    exits "$want" "$what" verify t --vkey vkey
    check "$what: a reason is given" grep -q '^  ' out
}

flip() {
    python3 - "$1" "$2" <<'END'
import sys
name, place = sys.argv[1:]
data = bytearray(open(name, "rb").read())
data[int(float(place) * (len(data) - 1))] ^= 1
open(name, "wb").write(data)
END
}

add() {
    printf x >>"$1"
}

last=$(find good/journal -type f -size +0 | sort | tail -n 1)
(cd good && find . -type f | sed 's/^..//') | sort >files
while read -r file; do
    for place in 0 0.5 1; do
        altered 1 "$file: a bit flipped at $place" flip "t/$file" $place
    done
    # At the end of the journal it is a record that a crash cut off: see below.
    [ "$file" = "${last#good/}" ] || altered 1 "$file: one byte more" add "t/$file"
    altered 1 "$file: one byte less" truncate -s -1 "t/$file"
    altered 1 "$file: empty" truncate -s 0 "t/$file"
    altered 1 "$file: deleted" rm "t/$file"
done <files

# Each file in the place of the next, and that one in its place.
swap() {
    mv "$1" t/held && mv "$2" "$1" && mv t/held "$2"
}
paste files <(tail -n +2 files) | while IFS=$'\t' read -r one two; do
    [ -n "$two" ] && ! cmp -s "good/$one" "good/$two" && printf '%s %s\n' "$one" "$two"
done >pairs
check "there are pairs" test "$(wc -l <pairs)" -gt 10
while read -r one two; do
    altered 1 "$one and $two exchanged" swap "t/$one" "t/$two"
done <pairs

# Each file once more, under another name that a log may have.
again() {
    mkdir -p "$(dirname "$2")" && cp "$1" "$2"
}
while read -r file; do
    case $file in
    tile/*.p/*) names="${file%/*}/255 ${file%/*}/$((${file##*/} + 1)) ${file%.p/*}" ;;
    tile/*/000) names="${file%000}001 ${file%000}002 ${file%000}x001/000 ${file}.p/3" ;;
    journal/*) names="journal/00000000000000000001 journal/00000000000000000300" ;;
    checkpoint) names="keys/seal.1 keys/pruned keys/last.1 time/5.checkpoint time/5.tsr" ;;
    keys/vkeys) names="keys/recovery keys/seal.1 witnessed" ;;
    partials) names="keys/pruned keys/recovery" ;;
    *) names="" ;;
    esac
    for name in $names; do
        [ -e "good/$name" ] || altered 1 "$file once more, as $name" again "t/$file" "t/$name"
    done
done <files
altered 1 "a file more" touch t/tile/0/x001
altered 1 "a journal file more" touch t/journal/00000000000000009999
altered 1 "a link" ln -s checkpoint t/tile/0/001
altered 1 "two bundles exchanged" sh -c 'cat t/tile/0/000 >t/tile/entries/000'

# The end of the journal: entries that a checkpoint covers may not be lost.
altered 1 "the journal cut short, below the checkpoint" truncate -s -3 "t/${last#good/}"

# A record that a crash cut off was told to nobody: a note.
altered 0 "a torn record beyond the checkpoint" sh -c 'printf "\020\1\0\0" >>"t/${1#good/}"' - "$last"
check "is noted" grep -q 'cut short' out

# An older copy of the log is good by itself, and rolled back for who kept a checkpoint.
exits 0 "an older copy is good by itself" verify early --vkey vkey
exits 2 "and rolled back for who kept a checkpoint" verify early --vkey vkey --since good/checkpoint
exits 0 "the log continues the older one" verify good --vkey vkey --since early/checkpoint
exits 0 "and itself" verify good --vkey vkey --since good/checkpoint --since early/checkpoint
exits 2 "with --json" verify early --vkey vkey --since good/checkpoint --json
equal "the verdict is told" "$(jq -r '.verdict + " " + (.exit | tostring)' out)" "rolled-back 2"

# Two logs by the same keys: one of them is a lie.
cp -a vault vault2
for _ in 1 2 3; do cofre status; done >/dev/null
(vault=vault2 && for _ in 1 2 3; do cofre token list; done >/dev/null)
exits 0 "one" verify vault/audit --vkey vkey
exits 0 "and another" verify vault2/audit --vkey vkey
exits 3 "fork each other" verify vault2/audit --vkey vkey --since vault/audit/checkpoint
(vault=vault2 && cofre token list >/dev/null)
exits 3 "at another size, too" verify vault2/audit --vkey vkey --since vault/audit/checkpoint
rm -rf vault2

# Somebody else's key.
vault=other
cofre init >vkey.other 2>/dev/null
vault=vault
check "another log's key does not verify this one" not verify good --vkey vkey.other

# ---- the vault itself ----

server_start
cp -a vault running
curl -s -K crm.curl "$url/v1/views/loyalty/records?limit=[1-5]" -o reply
token shop --role ingest
call shop POST /v1/customers '{"external_id":"Z1"}'
answered "a mutation" 201
sleep 3 # more than a crash explains
server_stop
rm -rf whole
cp -a vault whole
exits 0 "the vault opens" cofre status
rm -rf vault && cp -a whole vault

# refused CODE WHAT PATTERN CMD…: the vault, changed by the command, does not open, and says why
refused() {
    local code=$1 what=$2 pattern=$3
    shift 3
    rm -rf vault
    cp -a whole vault
    must "$@"
    exits "$code" "$what: no command" cofre status
    check "$what: the message names it ($pattern): $(cat err)" grep -Eqi "$pattern" err
    server_refused "$what: no server" "$code"
    # Nothing may have been repaired by looking.
    exits "$code" "$what: nor later" cofre status
}

put_back() {
    local name
    for name; do
        rm -rf "vault/$name"
        [ ! -e "running/$name" ] || cp -a "running/$name" "vault/$name"
    done
}

refused 5 "an older vault.db" 'vault\.db|database' put_back vault.db vault.db-wal vault.db-shm
refused 5 "an older audit/" 'audit|log' put_back audit
refused 5 "older vault.db and audit/" 'anchor|older' put_back vault.db vault.db-wal vault.db-shm audit
refused 5 "an older anchor" 'anchor is older' put_back anchor
refused 5 "no anchor" 'anchor' rm vault/anchor
refused 5 "an empty anchor" 'anchor' truncate -s 0 vault/anchor
for name in anchor keyring signing; do
    for place in 0.1 0.5 0.99; do
        refused 5 "$name altered at $place" "$name" flip vault/$name $place
    done
    refused 5 "$name cut short" "$name" truncate -s -1 vault/$name
done
refused 5 "the keyslots' head altered" keyslots flip vault/keyslots 0.05
refused 5 "the keyslots' MAC altered" keyslots flip vault/keyslots 0.99
refused 5 "keyslots cut short" keyslots truncate -s -1 vault/keyslots
# A slot that was altered cannot be told from one of another key.
refused 6 "a keyslot altered" keyslot flip vault/keyslots 0.5
refused 5 "no keyring" keyring rm vault/keyring
refused 5 "no signing key" signing rm vault/signing
refused 5 "vault.db altered" 'vault\.db|database' flip vault/vault.db 0.001
refused 5 "no checkpoint" 'checkpoint' rm vault/audit/checkpoint
refused 5 "no journal" 'journal|audit' rm -r vault/audit/journal
refused 5 "the journal cut by one record's end" 'journal|audit|log' sh -c '
    truncate -s -9 "$(find vault/audit/journal -type f -size +0 | sort | tail -n 1)"'

# Killed, with what was written last in the WAL: without the WAL it is an older database.
rm -rf vault && cp -a whole vault
server_start
call shop POST /v1/customers '{"external_id":"Z2"}'
answered "a mutation" 201
call shop POST /v1/customers '{"external_id":"Z3"}'
server_kill
check "there is a WAL" test -s vault/vault.db-wal
rm -rf whole
cp -a vault whole
refused 5 "a deleted WAL" 'vault\.db|database|older' rm vault/vault.db-wal
rm -rf vault && cp -a whole vault
exits 0 "with it the vault opens" cofre status
finish
