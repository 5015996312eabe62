#!/usr/bin/env bash
# PATCH merges (RFC 7396), raises the version, and If-Match guards against lost updates.
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_new
server_start
token shop --role ingest
token desk --role support --purpose service

fields() {
    call desk POST "/v1/customers/$cus:reveal" '{"fields":["name","email","city","country"],"purpose":"service","reason":"r"}'
    json '.fields | tojson'
}
patch() {
    call shop PATCH "/v1/customers/$cus" "$@"
}

call shop POST /v1/customers '{"external_id":"P1","fields":{"name":"王小明","email":"xiao@example.org","city":"广州市"}}'
answered "a customer" 201
equal "begins with version 1" "$(json .version)" 1
equal "as ETag, too" "$(header ETag)" '"1"'
cus=$(json .id)

patch '{"fields":{"city":"Soria","country":"ES","email":null}}' -H 'If-Match: "1"'
answered "a patch" 200
equal "the version grows" "$(json .version) $(header ETag)" '2 "2"'
equal "what is named is changed, added, removed; the rest stays" "$(fields)" \
    '{"name":"王小明","city":"Soria","country":"ES"}'
patch '{"fields":{"city":"Ávila"}}' -H 'If-Match: "1"'
problem "an old version" 412 version-mismatch
patch '{"fields":{"city":"Ávila"}}' -H 'If-Match: "7"'
problem "a version that never was" 412 version-mismatch
patch '{"fields":{"city":"Ávila"}}' -H 'If-Match: "frob"'
problem "another's tag" 412 version-mismatch
patch '{"fields":{"city":"Ávila"}}' -H 'If-Match: 2'
problem "no tag" 400 invalid-request If-Match:
equal "nothing of it was done" "$(fields)" '{"name":"王小明","city":"Soria","country":"ES"}'
patch '{"fields":{"city":"Ávila"}}' -H 'If-Match: *'
answered "any version" 200
patch '{"fields":{"city":"León"}}'
answered "without If-Match" 200
equal "the version" "$(json .version)" 4
patch '{"fields":{"name":null}}'
check "removing a field that may be absent, or refusing it ($status)" test "$status" = 200 -o "$status" = 400
patch '{"fields":{"email":"frob"}}'
problem "a bad value" 400 invalid-request /fields/email
patch '{"fields":{"shoe":"x"}}'
problem "an unknown field" 400 invalid-request /fields/shoe
patch '{"fields":{"external_id":null}}'
check "external_id cannot be removed ($status)" test "$status" = 400

# A unique value is freed by its change, and taken by one customer only.
call shop POST /v1/customers '{"external_id":"P2","fields":{"email":"xiao@example.org"}}'
answered "the removed e-mail is free" 201
patch '{"fields":{"email":"xiao@example.org"}}'
problem "and now taken" 409 already-exists /fields/email
patch '{"fields":{"email":"xiao@EXAMPLE.org"}}'
problem "in any spelling of the domain" 409 already-exists
call shop POST /v1/customers:lookup '{"index":"email","value":"xiao@example.org"}'
check "a look-up finds the other one" test "$(json .id)" != "$cus"

# The media type of RFC 7396 is taken for a patch, and for nothing else.
media=application/merge-patch+json call shop PATCH "/v1/customers/$cus" '{"fields":{"city":"Lugo"}}'
answered "application/merge-patch+json" 200
media=application/merge-patch+json call shop POST /v1/customers '{"external_id":"P2"}'
problem "no patch" 415 unsupported-media-type

# Of many that change one version, one succeeds.
call shop PATCH "/v1/customers/$cus" '{"fields":{"city":"X"}}'
version=$(json .version)
for n in 1 2 3 4 5 6 7 8; do
    curl -s -o /dev/null -w '%{http_code}\n' -K shop.curl -X PATCH -H 'Content-Type: application/json' \
        -H "If-Match: \"$version\"" --data "{\"fields\":{\"city\":\"C$n\"}}" "$url/v1/customers/$cus" >"race.$n" &
    racers+=($!)
done
wait "${racers[@]}"
equal "of eight at once, one" "$(cat race.* | sort | uniq -c | awk '{print $2 "x" $1}' | tr '\n' ' ')" "200x1 412x7 "
finish
