#!/usr/bin/env bash
# A withdrawal takes effect on the next request, everywhere; and a pseudonym that is not served gets one and the same answer.
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
server_start
token shop --role ingest
token crm --role crm --view loyalty
V=/v1/views/loyalty

call shop POST /v1/customers '{"external_id":"W1","fields":{"country":"ES","birth_date":"1960-01-01"},"consents":[{"purpose":"loyalty","status":"granted","source":"web"}]}'
cus=$(json .id)
call shop POST /v1/events:batch '{"events":[{"external_id":"W1","event_id":"w1","kind":"purchase","time":"2031-01-01","attributes":{"amount":"3.00","category":"books"}}]}'
consent() {
    call shop PUT "/v1/customers/$cus/consents/loyalty" "{\"status\":\"$1\",\"source\":\"web\"}"
    answered "consent $1" 200
}

all_pseudonyms() {
    call crm GET "$V/records?limit=1000"
    json '.records[].pseudonym'
}

# The new one is the one that was not there before.
consent withdrawn
all_pseudonyms >without
consent granted
all_pseudonyms >with
ps=$(comm -13 <(sort without) <(sort with))
equal "one more record" "$(wc -w <<<"$ps")" 1
equal "of all who consented" "$(wc -l <without)" "$(grep -c '[, ]loyalty' "$shop/customers.csv")"

# sees YES|NO: in all five ways
sees() {
    local n=1 single=200
    [ "$1" = YES ] || { n=0 && single=404; }
    call crm GET "$V/records/$ps"
    answered "$1: single" $single
    equal "$1: in the list" "$(all_pseudonyms | grep -c "$ps")" $n
    call crm POST "$V/records:batch-get" "{\"pseudonyms\":[\"$(head -n 1 without)\",\"$ps\"]}"
    equal "$1: in batch-get" "$(json '.records | length')" $((n + 1))
    call crm GET "$V/records/$ps/events"
    answered "$1: its events" $single
    call crm GET "$V/events?since=2031-01-01"
    equal "$1: in the events of all" "$(json '.events | length')" $n
}
for _ in 1 2 3; do
    sees YES
    consent withdrawn
    sees NO
    consent granted
done
sees YES

# The answers do not tell what is the matter.
consent withdrawn
call crm GET "$V/records/$ps"
problem "withdrawn" 404 not-found
jq -S 'del(.request_id)' reply >withdrawn
grep -vi '^\(date\|x-request-id\|cofre-audit\)' headers >withdrawn.headers
entry "$(receipt 1)" | jq -c '[.act,.ok,.code,.n,(.subj|length),.fields,.view,.purpose]' >withdrawn.entry
token other --role crm --view marketing
call other GET '/v1/views/marketing/records?limit=1'
foreign=$(json '.records[0].pseudonym')
for unknown in ps_aaaaaaaaaaaaaaaaaaaaaaaaaa "$foreign" ps_x frob "${ps%?}" "${ps}a" "${ps%?}b"; do
    call crm GET "$V/records/$unknown"
    problem "unknown: $unknown" 404 not-found
    equal "the same body" "$(jq -S 'del(.request_id)' reply)" "$(cat withdrawn)"
    equal "the same headers" "$(grep -vi '^\(date\|x-request-id\|cofre-audit\)' headers)" "$(cat withdrawn.headers)"
    equal "logged alike" "$(entry "$(receipt 1)" | jq -c '[.act,.ok,.code,.n,(.subj|length),.fields,.view,.purpose]')" "$(cat withdrawn.entry)"
    call crm GET "$V/records/$unknown/events"
    problem "its events" 404 not-found
done
call crm GET "$V/records/$ps/events"
equal "the same body for events" "$(jq -S 'del(.request_id)' reply)" "$(cat withdrawn)"

# A grant that comes late, from before the withdrawal, brings nobody back.
call shop PUT "/v1/customers/$cus/consents/loyalty" '{"status":"granted","source":"web","time":"2020-01-01"}'
problem "a grant from before the withdrawal" 409 conflict /time
call crm GET "$V/records/$ps"
answered "it changes nothing" 404

# Back again it has the pseudonym that it had.
consent granted
call crm GET "$V/records/$ps"
answered "the same pseudonym after a new consent" 200

# A withdrawal in the past does not undo a later consent, nor does a consent for another purpose help.
consent withdrawn
call shop PUT "/v1/customers/$cus/consents/marketing" '{"status":"granted","source":"web"}'
answered "another purpose" 200
call crm GET "$V/records/$ps"
answered "is another purpose" 404
server_kill
server_start
call crm GET "$V/records/$ps"
answered "still withdrawn after kill -9" 404
finish
