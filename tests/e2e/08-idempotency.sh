#!/usr/bin/env bash
# Idempotency-Key: the same request again gets the same answer and does nothing twice, after kill -9 too.
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_new
server_start
token shop --role ingest
token other --role ingest

body='{"external_id":"I1","fields":{"name":"Ana"}}'
call shop POST /v1/customers "$body" -H 'Idempotency-Key: one'
answered "a customer" 201
cp reply first
seq=$(receipt 1)
call shop POST /v1/customers "$body" -H 'Idempotency-Key: one'
answered "again" 201
equal "the same answer" "$(cat reply)" "$(cat first)"
equal "and an entry of its own" "$(receipt 1)" $((seq + 1))
call shop POST /v1/customers "$body"
problem "without the key it is another request" 409 already-exists
call shop POST /v1/customers '{"external_id":"I2"}' -H 'Idempotency-Key: one'
problem "the key with another body" 422 idempotency-key-reused
call shop POST /v1/customers:batch '{"customers":[{"external_id":"I3"}]}' -H 'Idempotency-Key: one'
problem "the key at another route" 422 idempotency-key-reused
call other POST /v1/customers '{"external_id":"I2"}' -H 'Idempotency-Key: one'
answered "another token's key is another key" 201
equal "customers" "$(cofre status --json | jq .customers)" 2

# A refusal is not remembered as done.
call shop POST /v1/customers '{"external_id":"I4","fields":{"email":"broken"}}' -H 'Idempotency-Key: two'
answered "a bad request" 400
call shop POST /v1/customers '{"external_id":"I4","fields":{"email":"mended@example.org"}}' -H 'Idempotency-Key: two'
check "may be mended ($status)" test "$status" = 201

batch='{"customers":[{"external_id":"I5"},{"external_id":"I1"}]}'
call shop POST /v1/customers:batch "$batch" -H 'Idempotency-Key: three'
answered "a batch" 200
cp reply first
call shop POST /v1/customers:batch "$batch" -H 'Idempotency-Key: three'
equal "again" "$(cat reply)" "$(cat first)"

event='{"events":[{"external_id":"I1","event_id":"e1","kind":"visit","time":"2026-01-02"}]}'
call shop POST /v1/events:batch "$event" -H 'Idempotency-Key: four'
cp reply first
call shop POST /v1/events:batch "$event" -H 'Idempotency-Key: four'
equal "events again" "$(cat reply)" "$(cat first)"
call shop POST /v1/events:batch "$event"
equal "without a key: the event_id tells" "$(json '.results[0].status')" 200
call shop POST /v1/events:batch "${event/visit/return}"
equal "with other content" "$(json '.results[0].status')" 409
equal "one event" "$(cofre status --json | jq .events)" 1

# The answer is lost, the server too: the client asks again.
call shop POST /v1/customers '{"external_id":"I6"}' -H 'Idempotency-Key: five'
cp reply first
server_kill
server_start
call shop POST /v1/customers '{"external_id":"I6"}' -H 'Idempotency-Key: five'
answered "after kill -9" 201
equal "the same answer" "$(cat reply)" "$(cat first)"

# Many at once with one key: one customer.
for n in 1 2 3 4 5 6 7 8; do
    curl -s -o "race.$n" -K shop.curl -H 'Content-Type: application/json' -H 'Idempotency-Key: six' \
        --data '{"external_id":"I7"}' "$url/v1/customers" &
    racers+=($!)
done
wait "${racers[@]}"
equal "eight at once: one answer" "$(for n in 1 2 3 4 5 6 7 8; do jq -c . race.$n; done | sort -u | wc -l)" 1

for bad in '' "$(head -c 300 /dev/zero | tr '\0' k)" 'two words'; do
    call shop POST /v1/customers '{"external_id":"I8"}' -H "Idempotency-Key;" -H "Idempotency-Key: $bad"
    check "a malformed key is refused ($status)" test "$status" = 400
done
finish
