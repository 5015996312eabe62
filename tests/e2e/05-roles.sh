#!/usr/bin/env bash
# Each role reaches its own routes and no other; a token that was revoked, or is over, reaches none.
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
server_start
token ingest --role ingest
token crm --role crm --view loyalty
token crm2 --role crm --view marketing
token support --role support --purpose service
token compliance --role compliance

call ingest POST /v1/customers:lookup '{"index":"external_id","value":"S0001"}'
cus=$(json .id)
call crm GET '/v1/views/loyalty/records?limit=1'
ps=$(json '.records[0].pseudonym')
call crm2 GET '/v1/views/marketing/records?limit=1'
ps2=$(json '.records[0].pseudonym')

# method, path, body, and who may
while read -r method path body may; do
    for role in ingest crm support compliance; do
        [ "$body" != - ] || body=
        call "$role" "$method" "$path" "$body"
        case ,$may, in
            *,$role,*)
                check "$role may $method $path (got $status)" test "${status:0:1}" = 2
                ;;
            *)
                problem "$role may not $method $path" 403 forbidden
                check "and is told nothing" jq -e 'keys == ["code","request_id","status","title","type"]' reply
                ;;
        esac
    done
done <<END
POST /v1/customers {"external_id":"X1"} ingest
POST /v1/customers:batch {"customers":[{"external_id":"X2"}]} ingest
POST /v1/customers:lookup {"index":"external_id","value":"S0001"} ingest,support
PATCH /v1/customers/$cus {"fields":{"city":"Soria"}} ingest
POST /v1/customers/$cus/events {"events":[{"event_id":"x","kind":"visit","time":"2026-01-02"}]} ingest
POST /v1/events:batch {"events":[{"external_id":"S0001","event_id":"y","kind":"visit","time":"2026-01-02"}]} ingest
PUT /v1/customers/$cus/consents/marketing {"status":"granted","source":"web"} ingest
POST /v1/customers/$cus:reveal {"fields":["name"],"purpose":"service","reason":"r"} support
GET /v1/views/loyalty - crm
GET /v1/views/loyalty/records - crm
GET /v1/views/loyalty/records/$ps - crm
GET /v1/views/loyalty/records/$ps/events - crm
POST /v1/views/loyalty/records:batch-get {"pseudonyms":["$ps"]} crm
GET /v1/views/loyalty/events - crm
GET /v1/audit/checkpoint - compliance
GET /v1/audit/entries - compliance
END

# Another's view is answered like one that there is not, and its pseudonyms like unknown ones.
for path in '' /records "/records/$ps" "/records/$ps/events" /events; do
    call crm2 GET "/v1/views/loyalty$path"
    problem "another's view: $path" 404 not-found
    jq -S 'del(.request_id)' reply >another
    call crm2 GET "/v1/views/none$path"
    problem "no view: $path" 404 not-found
    equal "the two differ in nothing" "$(cat another)" "$(jq -S 'del(.request_id)' reply)"
done
call crm GET "/v1/views/loyalty/records/$ps2"
problem "a pseudonym of another view" 404 not-found

# The purposes of a support token bind it.
call support POST "/v1/customers/$cus:reveal" '{"fields":["name"],"purpose":"loyalty","reason":"r"}'
answered "a purpose that the token has not" 403

# Revoked while it works.
cofre --json token list >tokens
id=$(jq -r '.tokens[] | select(.name == "crm2") | .id' tokens)
check "a token has an id" grep -Eqx 'tok_[a-z0-9_-]+' <<<"$id"
call crm2 GET /v1/views/marketing
answered "before" 200
exits 0 "token revoke" cofre token revoke "$id"
call crm2 GET /v1/views/marketing
problem "a revoked token" 401 unauthenticated
equal "has no receipt" "$(receipt 1)" ""
exits 1 "a token that there is not" cofre token revoke tok_aaaaaaaaaaaaaaaa

token brief --role crm --view loyalty --ttl 1s
call brief GET /v1/views/loyalty
case $status in 200 | 401) ;; *) fail "a token of one second" "$status" ;; esac
sleep 1.2
call brief GET /v1/views/loyalty
problem "an expired token" 401 unauthenticated

# What is no token: each one is a 401, the same but for its number.
call - GET /v1/views/loyalty
jq -S 'del(.request_id)' reply >none
good=$(sed 's/.*Bearer //; s/"$//' crm.curl)
for bad in "${good%?}" "${good}0" "x$good" cofre_ '' "$(tr 'a-y' 'b-z' <<<"$good")" "$(head -c 3000 /dev/zero | tr '\0' a)"; do
    curl_config bad "$bad"
    call bad GET /v1/views/loyalty
    answered "a malformed token" 401
    equal "a malformed token: the same body as without" "$(jq -S 'del(.request_id)' reply)" "$(cat none)"
done
call - GET /v1/views/loyalty '' -H 'Authorization: Basic Zm9vOmJhcg=='
answered "another scheme" 401
call - GET "/v1/views/loyalty?access_token=$good"
answered "a token in the query" 401
finish
