#!/usr/bin/env bash
# Who saw this customer? Over HTTP, on the command line, and offline with a key; each access with its proof.
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
server_start
token shop --role ingest
token crm --role crm --view loyalty
token desk --role support --purpose service
token officer --role compliance

call shop POST /v1/customers '{"external_id":"acc-1","fields":{"email":"ana@example.org","phone":"+34911234567"},
    "consents":[{"purpose":"loyalty","status":"granted","source":"shop"}]}'
answered "a customer" 201
cus=$(json .id)
created=$(receipt 1)
call shop POST /v1/customers '{"external_id":"acc-2","fields":{"email":"bob@example.org"}}'
other=$(json .id)
call desk POST "/v1/customers/$cus:reveal" '{"fields":["phone"],"purpose":"service","reason":"late parcel"}'
answered "a reveal" 200
revealed=$(receipt 1)

# A bulk read: everybody in the view, this customer among them.
listed=
cursor=
while :; do
    call crm GET "/v1/views/loyalty/records?limit=1000$cursor"
    answered "a page of the view" 200
    listed+="$(receipt 1) "
    [ "$(json .next)" != null ] || break
    cursor="&cursor=$(json .next)"
done

# walk WHO LIMIT: pages from the first to the last, all accesses in `all`, a line each
walk() {
    local from=0 to='' pages=0
    : >all
    until [ "$from" = null ] || [ "$pages" -gt 500 ]; do
        call "$1" GET "/v1/customers/$cus/accesses?from=$from&limit=$2${to:+&to=$to}"
        answered "a page of accesses" 200
        jq -c '.accesses[]' reply >>all
        to=$(json .to)
        from=$(json .next)
        pages=$((pages + 1))
    done
}

walk officer 1
one=$(wc -l <all)
equal "the first is the creation" "$(head -1 all | jq -c '[.seq, .act, .role, .ok]')" \
    "[$created,\"customer-create\",\"ingest\",true]"
equal "the reveal is there, with purpose and fields" \
    "$(jq -c "select(.seq == $revealed) | [.act, .purpose, .role, .fields[0]]" all)" \
    '["customer-reveal","service","support","phone"]'
page=$(jq -r 'select(.act == "view-records") | .seq' all)
check "one page of the bulk read is there" grep -qw -- "$page" <<<"$listed"
equal "with its view" "$(jq -r "select(.seq == $page) | .view" all)" loyalty
check "which was about many" test "$(jq "select(.seq == $page) | .n" all)" -gt 10
equal "the other customer's creation is not" "$(jq -c "select(.seq == $((created + 1)))" all)" ""
walk officer 1000
equal "larger pages: the same, and the searches themselves" \
    "$(jq -c 'select(.act != "customer-accesses") | .seq' all | wc -l)" "$one"
check "a search is an access, too" grep -q '"act":"customer-accesses"' all

# Each comes with a proof that stands alone.
jq -r .seq all >seqs
while read -r seq; do
    jq -rj "select(.seq == $seq) | .entry" all >entry
    jq -rj "select(.seq == $seq) | .proof" all >proof
    exits 0 "the proof of entry $seq" verify --proof proof --entry entry --vkey vkey
done < <(head -4 seqs)
sed -i 's/"code":200/"code":201/; s/"n":1/"n":2/' entry
exits 1 "another entry has not that proof" verify --proof proof --entry entry --vkey vkey

# Who may, and who is not there.
call desk GET "/v1/customers/$cus/accesses"
problem "the support desk may not" 403 forbidden
call officer GET /v1/customers/cus_aaaaaaaaaaaaaaaaaaaaaaaaaa/accesses
problem "an unknown customer" 404 not-found
equal "which the log says" "$(entry "$(receipt 1)" | jq -c '[.act, .ok, .code, .n, .subj]')" \
    '["customer-accesses",false,404,0,[]]'
call officer GET "/v1/customers/$cus/accesses?limit=1001"
problem "a limit over the maximum" 400 invalid-request '?limit'
call officer GET "/v1/customers/$cus/accesses?cursor=x"
problem "a parameter that there is not" 400 invalid-request '?cursor'

# The command line: one search, one entry, and nothing of what it looked for in it.
before=$(log_size)
exits 0 "customer accesses" cofre customer accesses "$cus"
check "a table" grep -q "customer-reveal .*support .*service .* $revealed\$" out
equal "one entry for all of it" "$(($(log_size) - before))" 2
exits 0 "as JSON lines" cofre --json customer accesses "$cus"
equal "the same ones" "$(jq -c 'select(.act != "customer-accesses") | .seq' out | wc -l)" "$one"
exits 0 "with a limit" cofre --json customer accesses "$cus" --from "$revealed" --limit 1
equal "one" "$(jq -c .seq out)" "$revealed"
check "it says where to go on" grep -q '"next":' err
exits 0 "another customer" cofre customer accesses "$other"
check "has fewer" not grep -q customer-reveal out
exits 1 "an unknown one" cofre customer accesses cus_aaaaaaaaaaaaaaaaaaaaaaaaaa
exits 2 "--current alone" cofre customer accesses "$cus" --current

# A key for an auditor: of closed epochs, or of this one as well.
exits 6 "no epoch is closed yet" cofre customer accesses "$cus" --subject-key none.key
check "it says what to do" grep -q 'key rotate audit.*--current' err
check "no file is left" test ! -e none.key
exits 0 "--current" cofre customer accesses "$cus" --subject-key now.key --current
check "warns" grep -q 'warning: .*yet to come' err
equal "the file is private" "$(stat -c %a now.key)" 600
equal "and has a line for the epoch" "$(sed 's/[0-9a-f]\{32,\}/K/' now.key | tr '\n' ' ')" \
    "cofre-subject/v1 vault K epoch 1 K "
equal "nothing of it came another way" "$(cat out)" ""
secret=$(sed -n 's/^epoch 1 //p' now.key)
check "nor into the log" not grep -rqF "$secret" vault/audit
check "nor on the server's stderr" not grep -qF "$secret" server.err
exits 1 "it is never written over" cofre customer accesses "$cus" --subject-key now.key --current
equal "it is as it was" "$(sed -n 's/^epoch 1 //p' now.key)" "$secret"

exits 0 "an epoch ends" cofre key rotate audit
call desk POST "/v1/customers/$cus:reveal" '{"fields":["email"],"purpose":"service","reason":"called again"}'
later=$(receipt 1)
exits 0 "a key of closed epochs" cofre customer accesses "$cus" --subject-key closed.key
equal "says so in the log" "$(cofre --json customer accesses "$cus" | jq -c 'select(.ok and .fields == ["subject-key"]) | .act' | tail -1)" \
    '"customer-accesses"'
exits 0 "accesses of both epochs are found" cofre --json customer accesses "$cus"
jq -r .seq out >online
check "of the first" grep -qx "$revealed" online
check "of the second" grep -qx "$later" online
server_stop
first=$(head -1 vault/audit/keys/vkeys)
printf '%s\n' "$first" >vkey

# offline KEYFILE: the seqs that cofre-verify finds
offline() {
    verify vault/audit --vkey vkey --subject "$1" --json >offline.json 2>offline.err || return 1
    jq -r '.. | objects | select(has("act") and has("seq")) | .seq' offline.json | sort -n
}
offline closed.key >found || fail "cofre-verify --subject" "$(head -c 300 offline.err)"
check "offline, the closed epoch's are found" grep -qx "$revealed" found
check "and none of the present one's" not grep -qx "$later" found
equal "all of them" "$(tr '\n' ' ' <found)" "$(awk -v last="$(tail -1 found)" '$1 <= last' online | tr '\n' ' ')"

# With no server the command opens the vault itself.
exits 0 "without a server" cofre --json customer accesses "$cus" --subject-key both.key --current
equal "a line for each epoch" "$(grep -c '^epoch ' both.key)" 2
exits 0 "the log is good" cofre audit verify
finish
