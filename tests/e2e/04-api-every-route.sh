#!/usr/bin/env bash
# The OpenAPI document is true: every operation, every documented answer, every receipt.
# labels: race
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
server_start
call - GET /openapi.json
answered "the document" 200
cp reply openapi.json
equal "it is the one in the tree" "$(sha256sum <openapi.json)" "$(sha256sum <"$COFRE_SRC/api/openapi.json")"

token shop --role ingest
token crm --role crm --view loyalty
token desk --role support --purpose service
token officer --role compliance

calls=0
last_seq=
mkdir -p seen

# op STATUS WHO METHOD PATH [BODY [curl…]]: a call that must be answered so, kept for the document's
# check.  Authenticated ones leave exactly one entry: the receipts' numbers follow each other.
op() {
    local want=$1 who=$2 seq
    shift
    call "$@"
    calls=$((calls + 1))
    answered "$2 $3 by $who" "$want"
    cp reply "seen/$calls"
    cp headers "seen/$calls.headers"
    printf '%s\t%s\t%s\tseen/%s\tseen/%s.headers\n' "$2" "$3" "$status" "$calls" "$calls" >>calls.tsv
    seq=$(receipt 1)
    case $who,$3 in
        nobody,* | -,*)
            equal "$2 $3: no receipt without a token" "$seq" ""
            ;;
        *,/healthz | *,/readyz | *,/metrics | *,/openapi.json)
            equal "$2 $3: no receipt from an open route" "$seq" ""
            ;;
        *)
            equal "$2 $3: receipt is one number, hash and salt" \
                "$(header Cofre-Audit | sed -E 's|^[0-9]+ [A-Za-z0-9+/]{43}= [A-Za-z0-9+/]{43}=$|ok|')" ok
            [ -z "$last_seq" ] || equal "$2 $3 by $who leaves exactly one entry" "$seq" $((last_seq + 1))
            last_seq=$seq
            ;;
    esac
}

big() {
    # More than 4 MiB (16 in batches) of one string.
    head -c "$1" /dev/zero | tr '\0' 'a' | sed 's/^/{"external_id":"/; s/$/"}/'
}
big 4300000 >big
big 17000000 >bigger

# ---- ingest ----

op 201 shop POST /v1/customers '{"external_id":"N1","fields":{"name":"Ana Núñez","email":"ana@example.org","birth_date":"1970-05-06","country":"ES"},"consents":[{"purpose":"loyalty","status":"granted","source":"web"}]}' -H 'Idempotency-Key: k1'
ana=$(json .id)
op 409 shop POST /v1/customers '{"external_id":"N1"}'
equal "a taken external_id" "$(json .code)" already-exists
op 400 shop POST /v1/customers '{"external_id":"N2","frob":1}'
media=text/plain op 415 shop POST /v1/customers '{"external_id":"N2"}'
op 413 shop POST /v1/customers @big
op 422 shop POST /v1/customers '{"external_id":"N3"}' -H 'Idempotency-Key: k1'
op 403 crm POST /v1/customers '{"external_id":"N2"}'

op 200 shop POST /v1/customers:batch '{"customers":[{"external_id":"N4"},{"external_id":"N1"},{"external_id":"N5","fields":{"email":"no"}}]}' -H 'Idempotency-Key: k2'
equal "each item has its own status" "$(json '[.results[].status] | join(" ")')" "201 409 400"
op 400 shop POST /v1/customers:batch '{"customers":7}'
media=text/plain op 415 shop POST /v1/customers:batch '{"customers":[]}'
op 413 shop POST /v1/customers:batch @bigger
op 422 shop POST /v1/customers:batch '{"customers":[{"external_id":"N6"}]}' -H 'Idempotency-Key: k2'
op 403 officer POST /v1/customers:batch '{"customers":[{"external_id":"N6"}]}'

op 200 shop POST /v1/customers:lookup '{"index":"email","value":" ana@EXAMPLE.ORG"}'
op 200 desk POST /v1/customers:lookup '{"index":"external_id","value":"N1"}'
equal "lookup finds the customer" "$(json .id)" "$ana"
op 404 shop POST /v1/customers:lookup '{"index":"email","value":"nobody@example.org"}'
op 400 shop POST /v1/customers:lookup '{"index":"shoe_size","value":"7"}'
media=text/plain op 415 shop POST /v1/customers:lookup '{"index":"email","value":"x@example.org"}'
op 413 shop POST /v1/customers:lookup @big
op 403 crm POST /v1/customers:lookup '{"index":"email","value":"ana@example.org"}'

op 200 shop PATCH "/v1/customers/$ana" '{"fields":{"city":"Ávila","country":null}}' -H 'If-Match: "1"'
equal "the ETag of the new version" "$(header ETag)" '"2"'
op 412 shop PATCH "/v1/customers/$ana" '{"fields":{"city":"Soria"}}' -H 'If-Match: "1"'
op 409 shop PATCH "/v1/customers/$ana" '{"fields":{"email":"ruth.porter.03@inbox.example"}}'
op 400 shop PATCH "/v1/customers/$ana" '{"fields":{"birth_date":"1970-13-01"}}'
op 404 shop PATCH /v1/customers/cus_aaaaaaaaaaaaaaaaaaaaaaaaaa '{"fields":{"city":"Soria"}}'
media=text/plain op 415 shop PATCH "/v1/customers/$ana" '{"fields":{}}'
op 413 shop PATCH "/v1/customers/$ana" @big
op 403 desk PATCH "/v1/customers/$ana" '{"fields":{"city":"Soria"}}'

purchase='{"event_id":"e1","kind":"purchase","time":"2026-03-14T10:00:00Z","attributes":{"amount":"11.77","currency":"EUR","quantity":1,"category":"books"}}'
op 200 shop POST "/v1/customers/$ana/events" "{\"events\":[$purchase]}" -H 'Idempotency-Key: k3'
op 400 shop POST "/v1/customers/$ana/events" '{"events":[{"event_id":"e2","kind":1}]}'
op 404 shop POST /v1/customers/cus_aaaaaaaaaaaaaaaaaaaaaaaaaa/events "{\"events\":[$purchase]}"
media=text/plain op 415 shop POST "/v1/customers/$ana/events" '{"events":[]}'
op 413 shop POST "/v1/customers/$ana/events" @big
op 422 shop POST "/v1/customers/$ana/events" "{\"events\":[${purchase/e1/e9}]}" -H 'Idempotency-Key: k3'
op 403 crm POST "/v1/customers/$ana/events" "{\"events\":[$purchase]}"

visit='"kind":"visit","time":"2026-03-15"'
op 200 shop POST /v1/events:batch "{\"events\":[{\"customer\":\"$ana\",\"event_id\":\"e3\",$visit},{\"external_id\":\"N4\",\"event_id\":\"e4\",$visit},{\"external_id\":\"none\",\"event_id\":\"e5\",$visit}]}" -H 'Idempotency-Key: k4'
equal "each event has its own status" "$(json '[.results[].status] | join(" ")')" "201 201 404"
op 400 shop POST /v1/events:batch '{"events":[{"event_id":6}]}'
media=text/plain op 415 shop POST /v1/events:batch '{"events":[]}'
op 413 shop POST /v1/events:batch @bigger
op 422 shop POST /v1/events:batch "{\"events\":[{\"external_id\":\"N4\",\"event_id\":\"e9\",$visit}]}" -H 'Idempotency-Key: k4'
op 403 desk POST /v1/events:batch '{"events":[]}'

op 200 shop PUT "/v1/customers/$ana/consents/marketing" '{"status":"granted","source":"web","time":"2026-01-02"}'
op 200 shop PUT "/v1/customers/$ana/consents/marketing" '{"status":"withdrawn","source":"web","time":"2026-02-02"}'
op 409 shop PUT "/v1/customers/$ana/consents/marketing" '{"status":"granted","source":"web","time":"2026-01-03"}'
op 400 shop PUT "/v1/customers/$ana/consents/marketing" '{"status":"maybe","source":"web"}'
op 404 shop PUT /v1/customers/cus_aaaaaaaaaaaaaaaaaaaaaaaaaa/consents/marketing '{"status":"granted","source":"web"}'
op 404 shop PUT "/v1/customers/$ana/consents/frobnication" '{"status":"granted","source":"web"}'
media=text/plain op 415 shop PUT "/v1/customers/$ana/consents/marketing" '{}'
op 413 shop PUT "/v1/customers/$ana/consents/marketing" @big
op 403 crm PUT "/v1/customers/$ana/consents/marketing" '{"status":"granted","source":"web"}'

# ---- support ----

op 200 desk POST "/v1/customers/$ana:reveal" '{"fields":["name","city","country"],"purpose":"service","reason":"she called"}'
equal "reveal gives the named fields" "$(json '.fields | tojson')" '{"name":"Ana Núñez","city":"Ávila"}'
op 400 desk POST "/v1/customers/$ana:reveal" '{"fields":["shoe_size"],"purpose":"service","reason":"x"}'
op 403 desk POST "/v1/customers/$ana:reveal" '{"fields":["name"],"purpose":"marketing","reason":"x"}'
op 403 shop POST "/v1/customers/$ana:reveal" '{"fields":["name"],"purpose":"service","reason":"x"}'
op 404 desk POST /v1/customers/cus_aaaaaaaaaaaaaaaaaaaaaaaaaa:reveal '{"fields":["name"],"purpose":"service","reason":"x"}'
media=text/plain op 415 desk POST "/v1/customers/$ana:reveal" '{}'
op 413 desk POST "/v1/customers/$ana:reveal" @big

# ---- crm ----

V=/v1/views/loyalty
op 200 crm GET $V
op 400 crm GET "$V?frob=1"
op 403 shop GET $V
op 404 crm GET /v1/views/marketing
op 200 crm GET "$V/records?limit=7"
equal "a page" "$(json '.records | length')" 7
ps=$(json '.records[3].pseudonym')
op 200 crm GET "$V/records?limit=7&cursor=$(json .next)"
op 400 crm GET "$V/records?limit=1001"
op 400 crm GET "$V/records?cursor=frob"
equal "a bad cursor" "$(json .code)" invalid-cursor
op 403 officer GET "$V/records"
op 404 crm GET /v1/views/none/records
op 200 crm GET "$V/records/$ps"
op 400 crm GET "$V/records/$ps?limit=1"
op 403 shop GET "$V/records/$ps"
op 404 crm GET "$V/records/ps_aaaaaaaaaaaaaaaaaaaaaaaaaa"
op 200 crm POST "$V/records:batch-get" "{\"pseudonyms\":[\"$ps\",\"ps_aaaaaaaaaaaaaaaaaaaaaaaaaa\"]}"
equal "batch-get leaves out what is missing" "$(json '[.records[].pseudonym] | join(" ")')" "$ps"
op 400 crm POST "$V/records:batch-get" '{"pseudonyms":[7]}'
op 403 desk POST "$V/records:batch-get" '{"pseudonyms":[]}'
op 404 crm POST /v1/views/none/records:batch-get "{\"pseudonyms\":[\"$ps\"]}"
media=text/plain op 415 crm POST "$V/records:batch-get" '{}'
op 413 crm POST "$V/records:batch-get" @big
op 200 crm GET "$V/records/$ps/events?kind=purchase&since=2025-W02&limit=3"
op 400 crm GET "$V/records/$ps/events?limit=0"
op 403 desk GET "$V/records/$ps/events"
op 404 crm GET "$V/records/ps_aaaaaaaaaaaaaaaaaaaaaaaaaa/events"
op 200 crm GET "$V/events?since=2026-01-01&limit=5"
op 400 crm GET "$V/events?since=yesterday"
op 403 officer GET "$V/events"
op 404 crm GET /v1/views/none/events

# ---- compliance ----

op 200 officer GET /v1/audit/checkpoint
op 400 officer GET '/v1/audit/checkpoint?frob=1'
op 403 crm GET /v1/audit/checkpoint
tile=$(cd vault/audit/tile/0 && find . -type f | sed 's/^..//' | sort | tail -n 1)
op 200 officer GET "/v1/audit/tile/0/$tile"
op 400 officer GET "/v1/audit/tile/0/$tile?frob=1"
op 403 shop GET "/v1/audit/tile/0/$tile"
op 404 officer GET /v1/audit/tile/0/x999/000
op 200 officer GET '/v1/audit/entries?from=3&limit=4'
op 400 officer GET '/v1/audit/entries?from=-1'
op 403 desk GET /v1/audit/entries
op 200 crm GET "$V/records/$ps"
mine=$(receipt 1)
op 200 crm GET "/v1/audit/proof?seq=$mine"
op 404 shop GET "/v1/audit/proof?seq=$mine"
op 400 crm GET /v1/audit/proof
op 200 officer GET "/v1/audit/proof?seq=$mine"
op 200 officer GET "/v1/customers/$ana/accesses?from=1&to=1000&limit=5"
op 200 officer GET "/v1/customers/$ana/accesses"
op 400 officer GET "/v1/customers/$ana/accesses?limit=0"
op 403 desk GET "/v1/customers/$ana/accesses"
op 404 officer GET /v1/customers/cus_aaaaaaaaaaaaaaaaaaaaaaaaaa/accesses

# ---- open, and what there is not ----

for path in /healthz /readyz /metrics /openapi.json; do
    op 200 - GET $path
    for method in POST PUT PATCH DELETE; do
        call - $method $path
        problem "$method $path" 405 method-not-allowed
        equal "$method $path: Allow" "$(header Allow)" "GET, HEAD"
    done
    equal "HEAD $path" "$(curl -sS -I -o /dev/null -w '%{http_code} %{size_download}' "$url$path")" "200 0"
done
# Its reply is documented for GET, the one method that there is.
call - POST /healthz
calls=$((calls + 1)) && cp reply "seen/$calls" && cp headers "seen/$calls.headers"
for path in /healthz /readyz /metrics /openapi.json; do
    printf 'GET\t%s\t%s\tseen/%s\tseen/%s.headers\n' $path "$status" "$calls" "$calls" >>calls.tsv
done

call crm DELETE "$V/records"
problem "a method that is not there" 405 method-not-allowed
equal "Allow" "$(header Allow)" GET
equal "leaves an entry too" "$(receipt 1)" $((last_seq + 1))
call crm GET /v1/frob
problem "a route that is not there" 404 not-found
equal "leaves an entry too" "$(receipt 1)" $((last_seq + 2))
call crm GET /v1/customers/../audit/entries
problem "dots in a path" 404 not-found
call - GET /
problem "a path of nobody" 401 unauthenticated

# ---- no token, wrong token: 401 everywhere, and no receipt ----

curl_config nobody cofre_0000000000000000000000000000000000000000000000000
tail -n +1 calls.tsv | awk -F'\t' '$2 ~ "^/v1/" { sub(/\?.*/, "", $2); print $1 "\t" $2 }' | sort -u >routes
while IFS=$'\t' read -r method path; do
    case $path in *none* | *aaaaaa* | */views/marketing | *frob* | *x999*) continue ;; esac
    op 401 nobody "$method" "$path"
    op 401 - "$method" "$path"
    equal "WWW-Authenticate" "$(header WWW-Authenticate)" Bearer
done <routes

python3 "$COFRE_SRC/tests/e2e/openapi_check.py" openapi.json calls.tsv >document || true
check "the document is what the server does" not grep -v 'operations called$' document
equal "every operation was called" "$(tail -n 1 document)" \
    "$(jq '[.paths[] | keys[] | select(. != "parameters")] | length | "\(.) of \(.) operations called"' -r openapi.json)"
[ "$(wc -l <document)" -eq 1 ] || cat document

check "failures to authenticate are summed in the log" \
    wait_for 5 sh -c 'tail -c +1 vault/audit/journal/* | grep -aq "\"act\":\"auth-failed\""'
server_stop
exits 0 "the log is whole" verify vault/audit --vkey vkey
finish
