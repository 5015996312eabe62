#!/usr/bin/env bash
# cofre-verify and cofre audit verify: what each option does, and that a verifier needs next to nothing.
. "$COFRE_SRC/tests/e2e/lib.sh"

# It builds and runs without the server's libraries.
program=$COFRE_BIN/cofre-verify
if command -v ldd >/dev/null; then
    ldd "$program" | sed 's/^[[:blank:]]*//; s/[ .].*//' | grep -Ev '^(/|linux-vdso|lib(a|t|ub)san$)' | sort -u >libraries
    check "it links few libraries: $(tr '\n' ' ' <libraries)" \
        not grep -Evq '^(libcrypto|libsodium|libc|libm|libpthread|libdl|librt|libgcc_s|libstdc\+\+|libz|libzstd|ld-linux)' libraries
fi

vault_shop
server_start
token crm --role crm --view loyalty
curl -s -K crm.curl "$url/v1/views/loyalty/records?limit=[1-40]" -o reply
server_stop
exits 0 "a first checkpoint is kept" cofre audit checkpoint
cp out kept

# ---- usage, and what cannot be read ----

exits 64 "no directory" verify --vkey vkey
exits 64 "no key" verify vault/audit
exits 64 "a quorum of nobody" verify vault/audit --vkey vkey --quorum 1
exits 64 "an age without a unit" verify vault/audit --vkey vkey --max-age 10
exits 64 "an age of a strange unit" verify vault/audit --vkey vkey --max-age 10q
exits 64 "no threads" verify vault/audit --vkey vkey --threads 0
exits 64 "a reply without its receipt" verify --proof kept --entry kept --reply kept --vkey vkey
exits 64 "a person in a proof" verify --proof kept --entry kept --subject kept --vkey vkey
exits 64 "the key from inside" verify vault/audit --vkey vault/audit/keys/vkeys
exits 66 "a hash that is none" verify vault/audit --vkey vkey --accept-incarnation abc
exits 66 "a key file that is none" verify vault/audit --vkey vkey --subject kept
exits 66 "certificates that are not there" verify vault/audit --vkey vkey --tsa-ca nowhere
exits 66 "a witness that is none" verify vault/audit --vkey vkey --witness nowhere
exits 66 "the log's key as a witness" verify vault/audit --vkey vkey --witness vkey
exits 66 "a kept checkpoint that is none" verify vault/audit --vkey vkey --since vkey
exits 64 "an age in the vault's own" cofre audit verify --max-age soon
exits 66 "a witness there" cofre audit verify --witness vkey

# ---- witnesses that did not sign ----

witness() {
    python3 - "$1" <<'PY'
import base64, hashlib, sys
name = sys.argv[1]
raw = b"\x04" + hashlib.sha256(name.encode()).digest()
key_id = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
print(name, key_id, base64.b64encode(raw).decode(), sep="+")
PY
}
witness w.example/1 >w1
witness w.example/2 >w2
cat w1 w2 >both
exits 1 "nobody signed" verify vault/audit --vkey vkey --witness both
check "how many of how many is told" grep -Eq 'quorum: 0 of 2 witnesses signed the checkpoint of [0-9]+ entries, and 2 must' out
check "and the rest of the report" grep -q 'integrity     good' out
exits 1 "one as text, one as a file" verify vault/audit --vkey vkey --witness "$(cat w1)" --witness w2 --quorum 1
check "one must" grep -q 'and 1 must' out
exits 64 "one twice" verify vault/audit --vkey vkey --witness both --witness w1
exits 64 "a quorum of more than there are" verify vault/audit --vkey vkey --witness w1 --quorum 2
exits 1 "in the vault, too" cofre audit verify --witness both
check "with the same reason" grep -q 'quorum: 0 of 2' out

# ---- the report ----

exits 0 "the log" verify vault/audit --vkey vkey --since kept --json
cp out report
equal "integrity" "$(jq -r .integrity report)" good
equal "complete up to its checkpoint" "$(jq '.completeness.size == .signed_size' report)" true
equal "who vouches" "$(jq -c '[.completeness.vouchers[].who]' report)" '["log","kept"]'
equal "from outside, up to the kept one" "$(jq '.size - .completeness.unvouched' report)" "$(sed -n 2p kept)"
equal "freshness, by the log" "$(jq -r '.freshness.by' report)" "$(cut -d+ -f1 vkey)"
equal "one epoch" "$(jq -c '[.epochs[] | [.epoch, .from, .size]]' report)" '[[1,0,null]]'
exits 0 "in the vault" cofre --json audit verify --since kept
equal "the same members" "$(jq -S 'keys' out)" "$(jq -S 'keys' report)"
exits 0 "with one thread" verify vault/audit --vkey vkey --since kept --json --threads 1
equal "the same" "$(jq -c 'del(.freshness)' out)" "$(verify vault/audit --vkey vkey --since kept --json --threads 3 | jq -c 'del(.freshness)')"
cp -a vault/audit bad
printf x >bad/keys/vkeys
exits 1 "tampered, in the report" verify bad --vkey vkey --json
equal "integrity is told apart" "$(jq -r '.integrity + " " + .verdict' out)" "tampered tampered"

# ---- age ----

exits 0 "lately" verify vault/audit --vkey vkey --max-age 1h
sleep 2.2
exits 2 "too long ago" verify vault/audit --vkey vkey --max-age 1s
check "it is stale" grep -Eq 'stale: the newest vouching, by [^ ]+, is [0-9]+ seconds old' out
exits 2 "a kept one as well goes before" verify vault/audit --vkey vkey --max-age 1s --since kept
exits 0 "the vault writes an entry first" cofre audit verify --max-age 1h

# ---- a proof under an earlier epoch's key ----

exits 0 "a proof" cofre audit prove 3
cp out proof
exits 0 "its entry" cofre --json audit show --from 3 --limit 1
head -n 1 out >entry
exits 0 "a rotation" cofre key rotate audit
exits 0 "the first key still proves it" verify --proof proof --entry entry --vkey vkey
tail -n 1 vault/audit/keys/vkeys >second
exits 1 "the second does not" verify --proof proof --entry entry --vkey second
cat vkey second >several
exits 0 "the first line's key proves" verify --proof proof --entry entry --vkey several
cat second vkey >several
exits 1 "another line's does not" verify --proof proof --entry entry --vkey several
check "and it is told what is missing" grep -q 'the key on line 2: .* --seals DIR' out
cp -r vault/audit/keys seals
exits 0 "with the seals" verify --proof proof --entry entry --vkey vkey --seals seals --json
equal "it is the first epoch's" "$(jq -c '[.epoch, .from, .entry_epoch]' out)" '[1,0,1]'
exits 0 "a proof of after the rotation" cofre audit prove 3
cp out later
from=$(sed -n 2p seals/seal.1)
exits 1 "is not proved by the first key alone" verify --proof later --entry entry --vkey vkey
exits 1 "nor by the second of two" verify --proof later --entry entry --vkey <(cat vkey second)
exits 0 "the seals lead to its key" verify --proof later --entry entry --vkey vkey --seals seals --json
equal "which is the second epoch's" "$(jq -c '[.epoch, .from, .entry_epoch]' out)" "[2,$from,1]"
exits 0 "in words" verify --proof later --entry entry --vkey <(cat vkey second) --seals seals
check "who vouches is told" grep -q 'The entry is of epoch 1: .* the key of epoch 2 vouches' out
exits 1 "under the key of before it is no longer" verify --proof later --entry entry --vkey second --seals seals
mkdir none
exits 1 "no seals lead nowhere" verify --proof later --entry entry --vkey vkey --seals none
exits 64 "the key beside the seals" verify --proof later --entry entry --vkey seals/vkeys --seals seals
exits 64 "a recovery key without seals" verify --proof later --entry entry --vkey vkey --recovery vkey
exits 64 "seals for a directory" verify vault/audit --vkey vkey --seals seals
exits 66 "no such directory" verify --proof later --entry entry --vkey vkey --seals nowhere
exits 1 "with a witness that did not sign it" verify --proof proof --entry entry --vkey vkey --witness w1
check "is told" grep -q 'quorum: 0 of 1' out
exits 0 "the log, from the first key" verify vault/audit --vkey vkey --json
equal "two epochs" "$(jq -c '[.epochs[] | .recovered]' out)" '[false,false]'
exits 0 "with both keys" verify vault/audit --vkey <(cat vkey second)
exits 1 "with another second one" verify vault/audit --vkey <(cat vkey vkey)
check "it is named" grep -q 'keys/vkeys: line 2 is not the key that was given' out
finish
