#!/usr/bin/env bash
# What is not exactly as documented is refused, with the place of it, and never with the value.
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
server_start
token shop --role ingest
token crm --role crm --view loyalty
secret=Zebulon

# bad WHAT POINTER BODY: a customer that is refused; the value that is wrong holds $secret
bad() {
    call shop POST /v1/customers "$3"
    problem "$1" 400 invalid-request "$2"
    check "$1: the value is not told" not grep -q "$secret" reply headers
}
bad "an unknown member" /shoe '{"external_id":"A","shoe":"Zebulon"}'
bad "an unknown field" /fields/shoe '{"external_id":"A","fields":{"shoe":"Zebulon"}}'
bad "a number for a text" /external_id '{"external_id":7}'
bad "an array for an object" /fields '{"external_id":"A","fields":["Zebulon"]}'
bad "an object for a field" /fields/name '{"external_id":"A","fields":{"name":{"Zebulon":1}}}'
bad "null for a field" /fields/name '{"external_id":"A","fields":{"name":null}}'
bad "a member that is missing" /external_id '{"fields":{"name":"Zebulon"}}'
bad "a member that comes twice" "" '{"external_id":"Zebulon","external_id":"Zebulon"}'
bad "a field that comes twice" "" '{"external_id":"A","fields":{"name":"Zebulon","name":"Zebulon"}}'
bad "a bad e-mail" /fields/email '{"external_id":"A","fields":{"email":"Zebulon"}}'
bad "a bad date" /fields/birth_date '{"external_id":"A","fields":{"birth_date":"Zebulon"}}'
bad "two faults" "/fields/email /fields/birth_date" '{"external_id":"A","fields":{"email":"Zebulon","birth_date":"1970-02-30"}}'
bad "the third consent" /consents/2/status '{"external_id":"A","consents":[{"purpose":"loyalty","status":"granted","source":"web"},{"purpose":"marketing","status":"granted","source":"web"},{"purpose":"service","status":"Zebulon","source":"web"}]}'
bad "an unknown purpose" /consents/0/purpose '{"external_id":"A","consents":[{"purpose":"zebulon","status":"granted","source":"web"}]}'
# A name that is nothing like ours may be anything: it is not repeated.
bad "a strange name" "" '{"external_id":"A","Zebulon@x":"Zebulon"}'
bad "a list" "" '["Zebulon"]'
bad "a string" "" '"Zebulon"'
bad "a name of 300 characters" /fields/city "{\"external_id\":\"A\",\"fields\":{\"city\":\"Zebulon$(head -c 70000 /dev/zero | tr '\0' x)\"}}"

# broken WHAT BODY: not JSON, or not ours
broken() {
    call shop POST /v1/customers "$2"
    answered "$1" 400
    equal "$1: code" "$(json .code)" invalid-request
    check "$1: the value is not told" not grep -q "$secret" reply headers
}
broken "cut short" '{"external_id":"Zebulon'
broken "something after it" '{"external_id":"Zebulon"} {}'
broken "a trailing comma" '{"external_id":"Zebulon",}'
broken "single quotes" "{'external_id':'Zebulon'}"
broken "a comment" '{"external_id":"Zebulon"/**/}'
broken "NaN" '{"external_id":NaN}'
broken "a NUL escape" '{"external_id":"Zebu\u0000lon"}'
broken "half a surrogate pair" '{"external_id":"\ud800Zebulon"}'
broken "a huge number" '{"external_id":"A","fields":{"name":1e999}}'
printf '{"external_id":"Zebulon\377"}' >file
broken "no UTF-8" @file
printf '{"external_id":"Zebulon\300\257"}' >file
broken "an over-long UTF-8 form" @file
printf '\357\273\277{"external_id":"Zebulon"}' >file
broken "a byte order mark" @file
printf '{"external_id":"Zebulon","x":' >file
for _ in $(seq 2000); do printf '['; done >>file
broken "too deep" @file
(printf '{"external_id":"Zebulon","x":'; for _ in $(seq 40); do printf '{"a":'; done; printf 1; for _ in $(seq 40); do printf '}'; done; printf '}') >file
broken "deeper than anything here" @file
printf '' >file
call shop POST /v1/customers @file
problem "an empty body" 400 invalid-request
for media in text/plain application/x-www-form-urlencoded application/problem+json 'application/json; charset=latin1' ''; do
    call shop POST /v1/customers '{"external_id":"A"}'
    problem "content type '$media'" 415 unsupported-media-type
done
media='application/json; charset=UTF-8'
call shop POST /v1/customers '{"external_id":"A1"}'
answered "application/json in UTF-8" 201
media=application/json
jq -nc '{customers: [range(1001) | {external_id: "B\(.)"}]}' >file
call shop POST /v1/customers:batch @file
problem "1,001 customers" 400 invalid-request /customers
jq -nc '{customers: [range(1000) | {external_id: "B\(.)"}]}' >file
call shop POST /v1/customers:batch @file
answered "1,000 customers" 200
equal "all are created" "$(json '[.results[].status] | unique | tojson')" '[201]'
call shop POST /v1/customers:batch '{"customers":[{"external_id":"C1"},{"external_id":"C2","fields":{"email":"Zebulon"}},{"external_id":"C3","shoe":1}]}'
case $status in
    200) equal "of a batch, each by itself" "$(json '[.results[].status] | join(" ")')" "201 400 400" ;;
    *) problem "of a batch, the shape of each" 400 invalid-request /customers/2/shoe ;;
esac

# amounts
for amount in 11.77 '"1e3"' '"1,50"' '"+1"' '".5"' '"1."' '""' '"--1"' '" 1"'; do
    call shop POST /v1/events:batch "{\"events\":[{\"external_id\":\"S0001\",\"event_id\":\"a$RANDOM\",\"kind\":\"purchase\",\"time\":\"2026-01-01\",\"attributes\":{\"amount\":$amount}}]}"
    equal "amount $amount is refused" "$([ "$status" = 200 ] && json '.results[0].status' || echo "$status")" 400
done
n=0
for amount in 11.77 -3 0.00 100 0.125; do
    n=$((n + 1))
    call shop POST /v1/events:batch "{\"events\":[{\"external_id\":\"S0001\",\"event_id\":\"ok$n\",\"kind\":\"purchase\",\"time\":\"2026-01-01\",\"attributes\":{\"amount\":\"$amount\"}}]}"
    equal "amount $amount is taken" "$(json '.results[0].status')" 201
done
for time in 2026-13-01 2026-02-29 2026-1-1 '2026-01-01T25:00:00Z' '2026-01-01T00:00:00' yesterday ''; do
    call shop POST /v1/events:batch "{\"events\":[{\"external_id\":\"S0001\",\"event_id\":\"t$RANDOM\",\"kind\":\"visit\",\"time\":\"$time\"}]}"
    equal "time '$time' is refused" "$([ "$status" = 200 ] && json '.results[0].status' || echo "$status")" 400
done

# queries
while read -r query pointer; do
    call crm GET "/v1/views/loyalty/records?$query"
    problem "?$query" 400 invalid-request "$pointer"
done <<'END'
limit=1001 ?limit
limit=0 ?limit
limit=-1 ?limit
limit=1x ?limit
limit= ?limit
limit=99999999999999999999 ?limit
limit=1&limit=2 ?limit
shoe=Zebulon ?shoe
limit=0&shoe=1 ?limit ?shoe
END
call crm GET "/v1/views/loyalty/records?cursor=Zebulon"
problem "?cursor" 400 invalid-cursor '?cursor'
check "the value is not told" not grep -q Zebulon reply
call crm GET "/v1/views/loyalty/records?limit=1000"
answered "limit=1000" 200
call crm GET "/v1/views/loyalty/events?since=Zebulon"
problem "since" 400 invalid-request '?since'
call crm GET "/v1/views/loyalty/events?kind=frobnication"
check "an unknown kind: nothing, or refused ($status)" test "$status" = 400 -o "$(json '.events | length')" = 0

# Sizes that the HTTP parser or we refuse; the server goes on.
head -c 70000 /dev/zero | tr '\0' x >file
call crm GET /v1/views/loyalty '' -H "X-Long: $(cat file)"
check "a header of 70 kB is refused ($status)" test "$status" = 431 -o "$status" = 400 -o "$status" = 413
call crm GET "/v1/views/loyalty?$(cat file)"
check "a URL of 70 kB is refused ($status)" test "$status" = 414 -o "$status" = 431 -o "$status" = 400
head -c 5000000 /dev/zero | tr '\0' ' ' >file
call shop POST /v1/customers @file
problem "a body of 5 MB" 413 body-too-large
call shop POST /v1/customers @file -H 'Transfer-Encoding: chunked'
problem "in pieces, too" 413 body-too-large
call crm GET /v1/views/loyalty
answered "afterwards all is well" 200
# One bad element of a batch is refused alone.
call shop POST /v1/customers:batch '{"customers":[{"external_id":"one-good"},{"fields":{}},{"external_id":"two-good"}]}'
equal "customers, each by itself" "$status $(json '[.results[].status] | tojson')" '200 [201,400,201]'
equal "where" "$(json '.results[1].problem.errors[0].pointer')" /external_id
event='"kind":"visit","time":"2026-01-01"'
call shop POST /v1/events:batch "{\"events\":[{\"external_id\":\"one-good\",\"event_id\":\"i1\",$event},{\"event_id\":\"i2\",$event},{\"external_id\":\"one-good\",\"event_id\":\"i3\",\"kind\":\"visit\"},{\"external_id\":\"one-good\",$event}]}"
equal "events, each by itself" "$status $(json '[.results[].status] | tojson')" '200 [201,400,400,400]'
equal "where" "$(json '[.results[1:][].problem.errors[0].pointer] | tojson')" '["/customer","/time","/event_id"]'
finish
