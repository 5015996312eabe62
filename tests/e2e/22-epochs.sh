#!/usr/bin/env bash
# The log's signing key rotates under load, is killed in between, and is replaced when it is lost.
# timeout: 300
. "$COFRE_SRC/tests/e2e/lib.sh"

# The seed's text must be found nowhere in the vault; grep for the file's last part.
private=recovery.key
must cofre init --origin log.example/shop --recovery-key "$private" >vkey 2>err
check "init says where the recovery key is, and what to do with it" grep -q 'offline' err
equal "stdout is the vkey alone" "$(wc -l <vkey)" 1
equal "the recovery key is its owner's alone" "$(stat -c %a "$private")" 600
check "it is a private key in text" grep -q '^PRIVATE+KEY+log.example/shop+[0-9a-f]\{8\}+[A-Za-z0-9+/=]*$' "$private"
check "it is not in the vault" not grep -rqF "$(sed 's/.*+//' "$private")" vault
cofre audit show --json --from 0 --limit 1 2>err >first
check "the first entry names it" grep -q '"act":"init".*"fields":\["recovery","[0-9a-f]\{64\}"\]' first
equal "by the hash of its vkey" "$(tr -d '\n' <vault/audit/keys/recovery | sha256sum | cut -d' ' -f1)" \
    "$(sed 's/.*"recovery","\([0-9a-f]*\)".*/\1/' first)"

# ---- what init refuses ----

refuse_init() {
    local what=$1 file=$2
    check "$what" not "$COFRE_BIN/cofre" --vault other --key-file other.key "${options[@]}" init --recovery-key "$file"
    check "$what: nothing is left" not test -e other
}
refuse_init "a recovery key inside the vault" other/recovery
: >there
refuse_init "a recovery key over a file that is there" there
check "which was not touched" test ! -s there
refuse_init "a recovery key in a directory that is not there" nowhere/key
"$COFRE_BIN/cofre" --vault other --key-file other.key "${options[@]}" init >out 2>err || fail "init without one"
check "init without one says what that means" grep -q 'no recovery key' err
check "and there is none" not test -e other/audit/keys/recovery

# ---- under load ----

cp "$shop"/*.csv "$shop"/*.json .
must cofre import customers customers.csv >out 2>err
must cofre view apply loyalty.json >out 2>err
must cofre view apply marketing.json >out 2>err
server_start
token crm --role crm --view loyalty
token shop --role ingest
rm -f stop
clients=()
for i in 1 2 3; do
    (while [ ! -e stop ]; do
        curl -s -K crm.curl -o /dev/null -w '%{http_code}\n' "$url/v1/views/loyalty/records?limit=[11-30]"
    done >"reads.$i" 2>/dev/null) &
    clients+=($!)
done
(n=0; while [ ! -e stop ]; do
    n=$((n + 1))
    curl -s -K shop.curl -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' \
        --data "{\"external_id\":\"during-$n\"}" "$url/v1/customers"
done >writes 2>/dev/null) &
clients+=($!)
sleep 0.3
cp vault/audit/checkpoint kept.1
for turn in 2 3 4; do
    exits 0 "key rotate audit, $turn" cofre --json key rotate audit
    cp out rotated
    equal "it begins epoch $turn" "$(jq .to rotated)" $turn
    equal "its key is the last line of keys/vkeys" "$(jq -r .vkey rotated)" "$(tail -n 1 vault/audit/keys/vkeys)"
    cp vault/audit/checkpoint "kept.$turn"
    sleep 0.2
done
touch stop
wait "${clients[@]}"
equal "every read was answered" "$(sort -u reads.*)" 200
equal "every write was answered" "$(sort -u writes)" 201
equal "the first line is the first key" "$(head -n 1 vault/audit/keys/vkeys)" "$(cat vkey)"
exits 0 "cofre audit verify" cofre audit verify
exits 0 "a dry run" cofre --json key rotate audit --dry-run
equal "changes nothing" "$(wc -l <vault/audit/keys/vkeys)" 4
check "nothing but signing is left of the keys" not ls vault/signing.old vault/signing.new
cofre --json key status >out 2>err
equal "key status tells the epochs" "$(jq -c '[.audit[].state]' out)" '["destroyed","destroyed","destroyed","active"]'
equal "a new secret for tags each time" "$(jq '[.classes[] | select(.class == "log")] | length' out)" 4
server_stop
exits 0 "from the first key, with every kept checkpoint" verify vault/audit --vkey vkey --since kept.1 --since kept.2 \
    --since kept.3 --since kept.4

# ---- killed in the middle ----

server_start
for turn in 1 2 3 4 5 6 7 8; do
    cofre key rotate audit >killed.out 2>&1 &
    job=$!
    sleep "0.0$((RANDOM % 10))"
    server_kill
    wait "$job" 2>/dev/null
    server_start
    exits 0 "good after kill $turn" cofre audit verify
done
epochs=$(wc -l <vault/audit/keys/vkeys)
exits 0 "one more" cofre key rotate audit
equal "one more epoch" "$(wc -l <vault/audit/keys/vkeys)" $((epochs + 1))
server_stop
exits 0 "from the first key" verify vault/audit --vkey vkey --since kept.1 --since kept.4

# ---- a missing seal, a key of before ----

cp -a vault/audit tampered
rm tampered/keys/seal.2
exits 1 "a seal is missing" verify tampered --vkey vkey
rm -r tampered
cp -a vault/audit tampered
sed -i 2d tampered/keys/vkeys
exits 1 "a key is missing" verify tampered --vkey vkey
rm -r tampered

# ---- lost ----

cp vault/signing kept.signing
rm vault/signing
exits 5 "without its signing key the vault does not start" cofre status
check "and it says what to do" grep -q 'cofre audit recover' err
server_refused "nor does the server" 5
"$COFRE_BIN/cofre" --vault third --key-file third.key "${options[@]}" init --recovery-key wrong.key >out 2>err ||
    fail "another vault"
exits 6 "the recovery key of another vault" cofre audit recover --recovery-key wrong.key
check "is refused by name" grep -q 'not the recovery key that the log names' err
exits 1 "no file" cofre audit recover --recovery-key nowhere
chmod 644 "$private"
exits 6 "a file that is open to others" cofre audit recover --recovery-key "$private"
chmod 600 "$private"
exits 5 "nothing has changed" cofre status
size=$(sed -n 2p vault/audit/checkpoint)
exits 0 "audit recover" cofre --json audit recover --recovery-key "$private"
epoch=$(jq .epoch out)
equal "a new epoch" "$epoch" $((epochs + 2))
equal "its key is the last line of keys/vkeys" "$(jq -r .vkey out)" "$(tail -n 1 vault/audit/keys/vkeys)"
equal "what the lost key had signed" "$(jq .last_size out)" "$size"
check "the last checkpoint of the lost key is kept" test -s "vault/audit/keys/last.$((epoch - 1))"
exits 1 "a second time there is nothing to do" cofre audit recover --recovery-key "$private"
check "and it says so" grep -q 'nothing is lost' err
exits 0 "it verifies from the first key, and shows the seam" verify vault/audit --vkey vkey --since kept.1 --since kept.4
server_start
call crm GET '/v1/views/loyalty/records?limit=10'
answered "the vault serves again" 200
exits 0 "rotates again" cofre key rotate audit
server_stop
exits 0 "and verifies" verify vault/audit --vkey vkey
cp kept.signing vault/signing
exits 5 "the key that was lost, and found again, is refused" cofre status
exits 0 "and replaced" cofre audit recover --recovery-key "$private"
exits 0 "doctor" cofre doctor
exits 0 "and verifies" verify vault/audit --vkey vkey

# ---- one proof, through all these epochs ----

exits 0 "a proof of an early entry" cofre audit prove 3
cp out proof
cofre --json audit show --from 3 --limit 1 2>err | head -n 1 >entry
cp -r vault/audit/keys seals
cp seals/recovery recovery.vkey
exits 1 "the first key alone does not prove it" verify --proof proof --entry entry --vkey vkey
exits 1 "nor do seals by a key that was not given" verify --proof proof --entry entry --vkey vkey --seals seals
check "of which it tells the first" grep -q "seal.$((epoch - 1)) is not signed by" out
exits 0 "with the recovery key the seals lead there" \
    verify --proof proof --entry entry --vkey vkey --seals seals --recovery recovery.vkey --json
equal "to the newest epoch" "$(jq .epoch out)" "$(wc -l <seals/vkeys)"
exits 64 "which must come from elsewhere" \
    verify --proof proof --entry entry --vkey vkey --seals seals --recovery seals/recovery
rm seals/seal.2
exits 1 "a seal is missing" \
    verify --proof proof --entry entry --vkey vkey --seals seals --recovery recovery.vkey

# A vault without a recovery key: nothing can be done, and that is said.
rm other/signing
vault=other key=other.key
exits 6 "no recovery key was ever named" cofre audit recover --recovery-key "$private"
check "it says so" grep -q 'without a recovery key' err
vault=vault key=key
finish
