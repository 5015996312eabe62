#!/usr/bin/env bash
# timeout: 600
# What is older than it should be is refused with what to do, and `cofre restore --declare` is the only way past.
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
must cofre purpose add --basis consent newsletter >out
officer=$(cofre token issue --json --role compliance --name officer | jq -r .id)
cp -a vault early
server_start
exits 0 "a token is revoked" cofre token revoke "$officer"
cofre purpose add --basis consent surveys >/dev/null
sleep 3 # more than a crash explains
server_stop
exits 0 "the whole vault opens" cofre status
cp -a vault whole
cp vault/audit/checkpoint kept

fresh() {
    rm -rf vault
    cp -a whole vault
}

from_early() {
    local name
    for name; do
        rm -rf "vault/$name"
        cp -a "early/$name" "vault/$name"
    done
}

# refused WHAT PATTERN: no command and no server, and the message says what is older than what, and what to do
refused() {
    exits 5 "$1: refused" cofre status
    check "$1: says so ($2): $(cat err)" grep -Eq "$2" err
    check "$1: says what to put back" grep -Eq 'put .* back' err
    check "$1: names the last way" grep -q 'cofre restore --declare' err
    server_refused "$1: no server" 5
}

# declared WHAT WORDS: a dry run changes nothing; then the declaration is the first entry, and the vault goes on
declared() {
    local what=$1 words=$2 hash
    find vault -type f ! -name '*-shm' ! -name '*-wal' ! -name lock -exec sha256sum {} + | sort >before
    exits 0 "$what: a dry run" cofre restore --declare --dry-run --json
    equal "$what: finds" "$(jq -r '[.found[].what] | join(" ")' out)" "$words"
    find vault -type f ! -name '*-shm' ! -name '*-wal' ! -name lock -exec sha256sum {} + | sort >after
    check "$what: a dry run writes nothing" cmp before after
    exits 5 "$what: and is refused still" cofre status
    exits 0 "$what: declared" cofre restore --declare --json
    cp out declared.json
    hash=$(jq -r .hash out)
    check "$what: the entry has a hash" test "${#hash}" = 64
    cofre audit show --json --from "$(jq .entry declared.json)" --limit 1 >entry
    equal "$what: the entry" \
        "$(jq -r '[.act, .ok, .fields[0], .fields[1], .fields[2], .fields[3]] | join(" ")' entry)" \
        "$(jq -r '["restore", true, "incarnation-\(.incarnation)", "size-\(.size)", .root, "generation-\(.generation)"] |
            join(" ")' declared.json)"
    equal "$what: the entry's words" "$(jq -r '.fields[4:] | join(" ")' entry)" "$words"
    equal "$what: the actor" "$(jq -r '.actor + " " + .role' entry)" "uid-$(id -u) admin"
    exits 0 "$what: it opens" cofre status
    exits 0 "$what: and can be changed" cofre purpose add --basis consent afterwards
    exits 0 "$what: and opens again" cofre doctor
    check "$what: the rows add up" grep -q 'they add up' out
    exits 1 "$what: there is nothing more to declare" cofre restore --declare
    check "$what: says so" grep -q 'nothing to declare' err
    server_start
    server_stop
}

# ---- nothing is wrong, or somebody has it ----

exits 1 "nothing is wrong" cofre restore --declare
check "is said" grep -q 'nothing to declare' err
equal "nothing was written" "$(log_size)" "$(sed -n 2p whole/audit/checkpoint)"
exits 2 "without --declare nothing is restored" cofre restore
server_start
exits 4 "a running server: busy" cofre restore --declare
server_stop
rm -rf whole
cp -a vault whole

# ---- older parts ----

from_early vault.db
refused "an older vault.db" 'vault\.db is older than audit/'
declared "an older vault.db" older-database
exits 0 "what was undone is undone, and declared: the token is there" cofre token list --json
equal "not revoked" "$(jq -r --arg id "$officer" '.tokens[] | select(.id == $id) | .state' out)" valid

# The database of before does not come back behind it, nor the anchor, nor the log.
cp -a vault ours
for name in vault.db anchor audit; do
    rm -rf vault
    cp -a ours vault
    rm -rf "vault/$name"
    cp -a "whole/$name" "vault/$name"
    exits 5 "$name of before the declaration is refused" cofre status
done
rm -rf ours

fresh
from_early audit
refused "an older audit/" 'audit/ \([0-9]+ entries\) is older than vault\.db, which saw [0-9]+: [0-9]+ are missing'
declared "an older audit/" older-log
exits 2 "who kept a checkpoint sees that it was rolled back" verify vault/audit --vkey vkey --since kept

fresh
from_early vault.db audit
refused "older vault.db and audit/" 'audit/ ends at entry [0-9]+ and is older than the anchor, which saw [0-9]+'
declared "older vault.db and audit/" "older-log older-database"

fresh
from_early anchor
refused "an older anchor" 'the anchor is older than audit/: it saw [0-9]+ entries of [0-9]+'
declared "an older anchor" bad-anchor

fresh
rm vault/anchor
refused "no anchor" 'the anchor is missing'
declared "no anchor" no-anchor

fresh
truncate -s 0 vault/anchor
refused "an empty anchor" 'the anchor was altered'
declared "an empty anchor" bad-anchor

fresh
from_early vault.db audit anchor
exits 0 "directory and anchor replaced together: only an outside checkpoint shows it" cofre status
exits 2 "and it does" verify vault/audit --vkey vkey --since kept

# An anchor on another volume is what shows that.
fresh
mv vault/anchor elsewhere
from_early vault.db audit
(options+=(--anchor elsewhere) && exits 5 "with --anchor it shows at the start" cofre status)
check "and says what is older" grep -q 'older than the anchor' err
exits 5 "without --anchor the anchor is missing" cofre status
check "and says how to give it" grep -q -- '--anchor FILE' err

# ---- two histories ----

fresh
rm -rf other
cp -a early other
(vault=other && cofre purpose add --basis consent elsewhere >/dev/null)
rm -rf vault/audit
cp -a other/audit vault/audit
exits 5 "the log of another history is refused" cofre status
check "and says so: $(cat err)" grep -Eq 'older|histor' err

# ---- a log that does not verify ----

fresh
rm vault/audit/checkpoint
exits 5 "a log without its checkpoint is refused" cofre restore --declare
check "nothing can be declared over it" grep -q 'nothing can be declared' err
check "and says what to do" grep -q 'put audit/ back from a copy' err

# ---- single pages ----

# Every page of vault.db that changed, put back alone as it was.
fresh
cat >pages.py <<'PY'
import sys
old, now = (open(name, "rb").read() for name in sys.argv[1:3])
for at in range(0, len(old), 4096):
    if old[at:at + 4096] != now[at:at + 4096]:
        print(at // 4096)
PY
python3 pages.py early/vault.db whole/vault.db >pages
check "several pages changed" test "$(wc -l <pages)" -ge 3
rows=0
while read -r page; do
    fresh
    dd if=early/vault.db of=vault/vault.db bs=4096 skip="$page" seek="$page" count=1 conv=notrunc status=none
    exits 5 "page $page of before, put back, is found" cofre status
    grep -q 'do not add up' err || continue
    rows=$((rows + 1))
    rm -rf kept-page
    cp -a vault kept-page
done <pages
check "some by their rows" test "$rows" -ge 1
rm -rf vault
mv kept-page vault
refused "an old page" 'holds rows that do not add up'
declared "an old page" rows
finish
