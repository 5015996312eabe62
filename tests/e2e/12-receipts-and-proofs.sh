#!/usr/bin/env bash
# A client's evidence: reply and receipt, the entry and its proof, checked offline with the public key.
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
server_start
token crm --role crm --view loyalty
token crm2 --role crm --view marketing
token officer --role compliance

hex() {
    openssl base64 -d -A <<<"$1" | od -An -v -tx1 | tr -d ' \n'
}

hmac_hex() {
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" "$2" | sed 's/.*= //'
}

# evidence WHAT STATUS: of the last reply, which is kept
evidence() {
    local what=$1 seq leaf salt said
    answered "$what" "$2"
    cp reply kept
    said=$(header Cofre-Audit)
    seq=$(receipt 1)
    leaf=$(hex "$(receipt 2)")
    salt=$(hex "$(receipt 3)")
    entry "$seq" >line
    printf %s "$(cat line)" >entry
    equal "$what: the receipt's number" "$(jq .seq entry)" "$seq"
    equal "$what: the receipt's hash is that of the entry" \
        "$({ printf '\0' && cat entry; } | sha256sum | cut -c1-64)" "$leaf"
    equal "$what: the entry commits to the reply" "$(jq -r .reply entry)" "$(hmac_hex "$salt" kept)"
    cp kept body
    printf x >>kept
    check "$what: and to no other" test "$(jq -r .reply entry)" != "$(hmac_hex "$salt" kept)"
    equal "$what: code" "$(jq .code entry)" "$2"

    call crm GET "/v1/audit/proof?seq=$seq"
    answered "$what: its proof" 200
    check "is a tlog-proof" grep -qx 'c2sp.org/tlog-proof@v1' reply
    cp reply proof
    exits 0 "$what: verifies offline" verify --proof proof --entry entry --vkey vkey
    exits 0 "$what: with the line's end, too" verify --proof proof --entry line --vkey vkey
    call crm GET "/v1/audit/proof?seq=$seq&entry=1"
    answered "$what: its proof with the entry" 200
    cp reply whole
    exits 0 "$what: is the evidence in one file" \
        verify --proof whole --receipt "$said" --reply body --vkey vkey
    exits 1 "$what: of no other reply" verify --proof whole --receipt "$said" --reply kept --vkey vkey
    exits 1 "$what: nor of another receipt" \
        verify --proof whole --receipt "$((seq + 1)) ${said#* }" --reply body --vkey vkey
    exits 1 "$what: a proof without entry needs it" verify --proof proof --receipt "$said" --vkey vkey
    sed 's/"n":[0-9]*/"n":7777/' entry >other
    exits 1 "$what: another entry does not" verify --proof proof --entry other --vkey vkey
    sed '$ s/[A-Za-z]/9/' proof >broken
    exits 1 "$what: an altered proof does not" verify --proof broken --entry entry --vkey vkey
    call crm2 GET "/v1/audit/proof?seq=$seq"
    problem "$what: is nobody else's" 404 not-found
    exits 0 "$what: cofre audit prove" cofre audit prove "$seq"
    cp out proof2
    exits 0 "$what: gives a proof as well" verify --proof proof2 --entry entry --vkey vkey
}

call crm GET '/v1/views/loyalty/records?limit=20'
evidence "a page" 200
equal "a page: its entry names 20 people" "$(jq '[.n, (.subj | length)] | tojson' -r entry)" "[20,20]"
equal "a page: and the fields" "$(jq -c .fields entry)" '["birth_date","postal_code","country","email","joined_on"]'
equal "a page: and view and purpose" "$(jq -r '.view + " " + .purpose + " " + .role + " " + .act' entry)" \
    "loyalty loyalty crm view-records"
call crm GET /v1/views/loyalty/records/ps_aaaaaaaaaaaaaaaaaaaaaaaaaa
evidence "an unknown pseudonym" 404
equal "one tag, n 0" "$(jq -c '[.n, (.subj | length), .ok]' entry)" "[0,1,false]"
call crm GET '/v1/views/loyalty/records?limit=0'
evidence "a refused request" 400
call crm GET /v1/audit/entries
evidence "a forbidden one" 403

# Tags of one person cannot be linked.
call crm GET '/v1/views/loyalty/records?limit=1'
one=$(entry "$(receipt 1)" | jq -r '.subj[0]')
call crm GET '/v1/views/loyalty/records?limit=1'
two=$(entry "$(receipt 1)" | jq -r '.subj[0]')
check "the same person has another tag each time" test "$one" != "$two"

# A proof that is asked for before any checkpoint covers the entry signs one first.
call crm GET /v1/views/loyalty
now=$(receipt 1)
call crm GET "/v1/audit/proof?seq=$now"
answered "a proof at once" 200
size=$(sed -n '/^cofre/,$p' reply | sed -n 2p)
check "by a checkpoint that covers it" test "${size:-0}" -gt "$now"
call crm GET '/v1/audit/proof?seq=99999999'
problem "an entry that there is not" 404 not-found

# The log as files over HTTP is the log on disk.
call officer GET /v1/audit/checkpoint
answered "checkpoint" 200
check "signed by the log" grep -q "^— $(cut -d+ -f1 vkey) " reply
mkdir -p kept.d
cp reply kept.d/checkpoint
call officer GET /v1/audit/entries?from=0\&limit=5
answered "entries" 200
head -c 300 reply >shown
check "entries are the log's" grep -q e3b0c44298fc1c149afbf4c8996fb924 shown
server_stop
exits 0 "the log continues the kept checkpoint" verify vault/audit --vkey vkey --since kept.d/checkpoint
exits 0 "cofre audit verify agrees" cofre audit verify --since kept.d/checkpoint
finish
