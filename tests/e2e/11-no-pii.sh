#!/usr/bin/env bash
# After much use, no name, e-mail, phone, address, token or key is in the log, the metrics, the output,
# the database's files, or any reply to a crm token.
# labels: race
. "$COFRE_SRC/tests/e2e/lib.sh"

# What must be nowhere: of each customer name, e-mail, phone and address, from 6 bytes on.
python3 - "$shop/customers.csv" >pii <<'END'
import csv, sys
for row in csv.DictReader(open(sys.argv[1], encoding="utf-8")):
    for field in ("name", "email", "phone", "postal_address"):
        for value in {row[field], row[field].lstrip("+"), row[field].split("@")[0]}:
            if len(value.encode()) >= 6:
                print(value)
END
cat >>pii <<'END'
Zebulon Quartermain
zebulon.quartermain
quartermain@bad
Zebulonstrasse
612399887
she called about the quartz lamp
END
check "there is something to look for" test "$(wc -l <pii)" -gt 1500

vault_shop
cat >bad.csv <<'END'
external_id,name,email,phone,birth_date,consents
Q1,Zebulon Quartermain,quartermain@bad@bad,,,loyalty
Q2,Zebulon Quartermain,zebulon.quartermain@example.org,+34612399887,1970-99-99,loyalty
Q3,Zebulon Quartermain,zebulon.quartermain@example.org,612399887zz,,loyalty
END
exits 1 "bad lines" cofre import customers bad.csv
cat out err >>output
server_start
token shop --role ingest
token crm --role crm --view loyalty
token desk --role support --purpose service
token officer --role compliance

# said WHO …: a call; what a crm token is told is kept, and so are all refusals
said() {
    call "$@"
    case $1,$status in
        crm,* | *,4??) cat reply headers >>told ;;
    esac
}

# Writing, well and badly, with people's data in every place where it could be echoed.
said shop POST /v1/customers '{"external_id":"Q9","fields":{"name":"Zebulon Quartermain","email":"zebulon.quartermain@example.org","phone":"+34612399887","postal_address":"Zebulonstrasse 7"},"consents":[{"purpose":"loyalty","status":"granted","source":"web"}]}'
answered "a customer" 201
cus=$(json .id)
said shop POST /v1/customers '{"external_id":"Q9","fields":{"email":"zebulon.quartermain@example.org"}}'
said shop POST /v1/customers '{"external_id":"Q8","fields":{"email":"quartermain@bad@bad","phone":"612399887zz","Zebulon Quartermain":1}}'
said shop POST /v1/customers '{"Zebulon Quartermain":{"email":"zebulon.quartermain@example.org"}'
said shop PATCH "/v1/customers/$cus" '{"fields":{"name":7,"email":"quartermain@bad@bad"}}'
said shop PATCH "/v1/customers/$cus" '{"fields":{"email":"yating.li.01@xinjian.example"}}'
said shop POST /v1/customers:lookup '{"index":"email","value":"zebulon.quartermain@example.com"}'
said shop POST /v1/customers:lookup '{"index":"email","value":"zebulon.quartermain@example.org"}'
said shop POST /v1/customers:lookup '{"index":"zebulon.quartermain@example.org","value":"x"}'
said shop PUT "/v1/customers/$cus/consents/zebulon.quartermain" '{"status":"Zebulon Quartermain","source":"Zebulon Quartermain"}'
said shop POST /v1/events:batch '{"events":[{"external_id":"Zebulon Quartermain","event_id":"zebulon.quartermain","kind":"Zebulon Quartermain","time":"612399887","attributes":{"category":"Zebulon Quartermain"}}]}'
said crm GET '/v1/views/loyalty/records?zebulon.quartermain@example.org=1'
said crm GET '/v1/views/loyalty/records?cursor=zebulon.quartermain'
said crm GET '/v1/views/zebulon.quartermain/records/Zebulon%20Quartermain'
said crm GET '/zebulon.quartermain@example.org'
said crm GET '/v1/views/loyalty/records' '' -H 'X-Request-Id: Zebulon Quartermain' -H 'Cookie: zebulon.quartermain'
said desk POST "/v1/customers/$cus:reveal" '{"fields":["name","email","phone","postal_address"],"purpose":"service","reason":"she called about the quartz lamp"}'
answered "reveal" 200
equal "support does see the name" "$(json .fields.name)" 'Zebulon Quartermain'
said desk POST "/v1/customers/$cus:reveal" '{"fields":["Zebulon Quartermain"],"purpose":"Zebulon Quartermain","reason":"she called about the quartz lamp"}'

# Everything that a crm token can read.
cursor=
for _ in 1 2 3 4 5 6; do
    said crm GET "/v1/views/loyalty/records?limit=100$cursor"
    json '.records[].pseudonym' >>pseudonyms
    [ "$(json .next)" != null ] || break
    cursor="&cursor=$(json .next)"
done
cursor=
while :; do
    said crm GET "/v1/views/loyalty/events?limit=1000$cursor"
    [ "$(json .next)" != null ] || break
    cursor="&cursor=$(json .next)"
done
said crm GET /v1/views/loyalty
said crm POST /v1/views/loyalty/records:batch-get "$(jq -Rnc '{pseudonyms: [inputs]}' <pseudonyms)"
check "all were read" test "$(json '.records | length')" -gt 200
for ps in $(head -n 5 pseudonyms); do
    said crm GET "/v1/views/loyalty/records/$ps"
    said crm GET "/v1/views/loyalty/records/$ps/events"
done
exits 0 "key rotate" cofre key rotate kek
cat out err >>output
exits 0 "customer show" cofre customer show "$cus"
cat out err >>output
call - GET /metrics
cp reply metrics
call officer GET '/v1/audit/entries?limit=1000'
cp reply entries

# nowhere WHAT LIST FILE…: no line of LIST is in the files
nowhere() {
    local what=$1 list=$2
    shift 2
    checks=$((checks + 1))
    if grep -raoF -f "$list" "$@" >found; then
        fail "$what" "$(head -n 3 found)"
    fi
}

# What are secrets, as they were given out, in hexadecimal and as bytes.
for who in shop crm desk officer; do
    sed 's/.*Bearer //; s/"$//' $who.curl
done >secrets
od -An -v -tx1 key | tr -d ' \n' >>secrets
echo >>secrets
openssl base64 -A -in key >>secrets
echo >>secrets

look_everywhere() {
    nowhere "$1: the log" pii vault/audit
    nowhere "$1: database, WAL, anchor, keyring" pii vault
    nowhere "$1: metrics" pii metrics
    nowhere "$1: the server's output" pii server.out server.err output
    nowhere "$1: entries over HTTP" pii entries
    nowhere "$1: replies to crm, and refusals" pii told
    nowhere "$1: FILE.rejected" pii bad.csv.rejected
    nowhere "$1: secrets" secrets vault metrics server.out server.err output entries told bad.csv.rejected
}
check "FILE.rejected has its lines" test "$(wc -l <bad.csv.rejected)" -ge 3
check "replies were kept" test "$(wc -c <told)" -gt 100000
look_everywhere "while serving"
server_stop
look_everywhere "afterwards"
# The key file's 32 bytes, raw.
check "no file of the vault holds the key" python3 -c '
import os, sys
key = open("key", "rb").read()
sys.exit(any(key in open(os.path.join(d, f), "rb").read() for d, _, fs in os.walk("vault") for f in fs))'
check "the search is not blind" grep -qaF -f pii customers.csv
finish
