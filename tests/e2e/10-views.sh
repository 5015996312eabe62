#!/usr/bin/env bash
# A view shows what it names, in the form that it names; never an identifier; and no two views can be joined.
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop

# ---- what is refused when it is applied ----

n=0
refuse() {
    n=$((n + 1))
    printf '{"view":"bad%s","purpose":"loyalty","fields":{%s}}' "$n" "$1" >bad.json
    exits 6 "refused: $1" cofre view apply bad.json
    check "with the place" grep -q "/fields/" err
}
for field in external_id name email phone postal_address; do
    refuse "\"$field\":{\"as\":\"keep\"}"
done
refuse '"birth_date":{"as":"keep"}'
refuse '"country":{"as":"keep"},"name":{"as":"keep"}'
bad() {
    printf '%s' "$2" >bad.json
    exits 2 "not valid: $1" cofre view apply bad.json
}
for field in name external_id phone postal_address; do
    printf '{"view":"bad","purpose":"loyalty","fields":{"%s":{"as":"prefix","chars":3}}}' $field >bad.json
    check "no prefix of $field" not cofre view apply bad.json 2>err
    printf '{"view":"bad","purpose":"loyalty","fields":{"%s":{"as":"domain"}}}' $field >bad.json
    check "no domain of $field" not cofre view apply bad.json 2>err
done
bad "an unknown transform" '{"view":"bad","purpose":"loyalty","fields":{"country":{"as":"rot13"}}}'
bad "an unknown field" '{"view":"bad","purpose":"loyalty","fields":{"shoe":{"as":"keep"}}}'
bad "a field twice" '{"view":"bad","purpose":"loyalty","fields":{"country":{"as":"keep"},"country":{"as":"drop"}}}'
bad "four characters" '{"view":"bad","purpose":"loyalty","fields":{"postal_code":{"as":"prefix","chars":4}}}'
bad "an unknown purpose" '{"view":"bad","purpose":"frobnication","fields":{}}'
bad "an unknown member" '{"view":"bad","purpose":"loyalty","fields":{},"frob":1}'
bad "no JSON" '{"view"'
equal "none of them is there" "$(cofre --json view list | jq -c '[.views[].name]')" '["loyalty","marketing"]'

# ---- what a view shows ----

cat >all.json <<'END'
{"view":"all","purpose":"loyalty",
 "fields":{"name":{"as":"mask"},"email":{"as":"mask"},"phone":{"as":"mask"},"postal_address":{"as":"drop"},
           "birth_date":{"as":"year"},"postal_code":{"as":"prefix","chars":3},"city":{"as":"mask"},
           "country":{"as":"keep"},"joined_on":{"as":"month"},"language":{"as":"keep"},"status":{"as":"keep"}},
 "events":{"kinds":["purchase","return"],"time":"day",
           "fields":{"amount":{"as":"keep"},"category":{"as":"keep"},"quantity":{"as":"keep"}}}}
END
exits 0 "a view with every transform" cofre view apply all.json --dry-run
equal "--dry-run applies nothing" "$(cofre --json view list | jq '.views | length')" 2
exits 0 "applied" cofre view apply all.json
exits 0 "the same again is the same version" cofre --json view apply all.json

server_start
token shop --role ingest
token crm --role crm --view loyalty
token all --role crm --view all
token marketing --role crm --view marketing

# pages WHO VIEW LIMIT: every record, one a line
pages() {
    local cursor=
    while :; do
        call "$1" GET "/v1/views/$2/records?limit=$3$cursor"
        answered "a page of $2" 200
        jq -c '.records[]' reply
        [ "$(json .next)" != null ] || break
        cursor="&cursor=$(json .next)"
    done
}

call shop POST /v1/customers '{"external_id":"V1","fields":{"name":"José Núñez","email":"jose@example.org","phone":"+34612345667","birth_date":"1970-05-06","postal_code":"28013","city":"Madrid","country":"ES","joined_on":"2024-02-03","language":"es"},"consents":[{"purpose":"loyalty","status":"granted","source":"web"}]}'
call shop POST /v1/events:batch '{"events":[{"external_id":"V1","event_id":"v1","kind":"purchase","time":"2030-12-31T23:59:59Z","attributes":{"amount":"11.70","quantity":2,"category":"books"}},{"external_id":"V1","event_id":"v2","kind":"visit","time":"2030-12-31"}]}'
call all GET '/v1/views/all/events?since=2030-12-31'
equal "an event, in the view's form; another kind is absent" \
    "$(json '[.events[] | [.kind, .time, .attributes.amount, .attributes.quantity, .attributes.category]] | tojson')" \
    '[["purchase","2030-12-31","11.70",2,"books"]]'
ps=$(json '.events[0].pseudonym')
ref=$(json '.events[0].ref')
call all GET "/v1/views/all/records/$ps"
equal "a record, in the view's form" "$(json '.fields | tojson')" \
    '{"name":"J••• N•••","email":"j•••@example.org","phone":"+34•••••67","birth_date":"1970","postal_code":"280","city":"M•••","country":"ES","joined_on":"2024-02","language":"es","status":"customer"}'
call crm GET '/v1/views/loyalty/events?since=2030-W52'
equal "the other view shows a week and a band" "$(json '[.events[] | [.time, .attributes.amount, .attributes.quantity]] | tojson')" \
    '[["2031-W01","10-20",null]]'
check "and the event under another ref" test "$(json '.events[0].ref')" != "$ref"

# ---- pages ----

members=$(($(grep -c '[, ]loyalty' "$shop/customers.csv") + 1))
for limit in 1000 97 13; do
    pages crm loyalty $limit >records.$limit
    jq -r .pseudonym records.$limit >ps.$limit
    equal "pages of $limit: each once" "$(sort -u ps.$limit | wc -l) $(wc -l <ps.$limit)" "$members $members"
    # By their 16 bytes: in base32 the digits come after the letters.
    check "pages of $limit: in the order of pseudonyms" env LC_ALL=C sort -c ps.$limit
    equal "pages of $limit: the same records" "$(sha256sum <records.$limit)" "$(sha256sum <records.1000)"
done
equal "only the named fields" "$(jq -c '.fields | keys[]' records.13 | sort -u | tr '\n' ' ')" \
    '"birth_date" "country" "email" "joined_on" "postal_code" '
equal "ages are bands" "$(jq -r '.fields.birth_date // "80+"' records.13 | grep -Evx '[0-9]0-[0-9]9|80\+' | head -n 1)" ""

events() {
    local cursor=
    while :; do
        call crm GET "/v1/views/loyalty/events?limit=$1$cursor"
        answered "a page of events" 200
        jq -r '.events[] | .time + " " + .ref' reply
        [ "$(json .next)" != null ] || break
        cursor="&cursor=$(json .next)"
    done
}
events 1000 >events.1000
events 211 >events.211
equal "events: the same, whatever the page" "$(sha256sum <events.211)" "$(sha256sum <events.1000)"
equal "events: each once" "$(cut -d' ' -f2 events.1000 | sort | uniq -d | head -n 1)" ""
check "events: by time" sh -c 'cut -d" " -f1 events.1000 | sort -c'

# ---- cursors ----

call crm GET '/v1/views/loyalty/records?limit=5'
cursor=$(json .next)
equal "cursors have one size" "${#cursor}" 107
call crm GET '/v1/views/loyalty/records?limit=5'
check "and look different each time" test "$cursor" != "$(json .next)"
token crm2 --role crm --view loyalty
call crm2 GET "/v1/views/loyalty/records?cursor=$cursor"
problem "another token's cursor" 400 invalid-cursor
call crm GET "/v1/views/loyalty/events?cursor=$cursor"
problem "another list's cursor" 400 invalid-cursor
call crm GET "/v1/views/loyalty/records?cursor=${cursor%?}$([ "${cursor: -1}" = A ] && echo Q || echo A)"
problem "an altered cursor" 400 invalid-cursor
call crm GET "/v1/views/loyalty/records?limit=3&cursor=$cursor"
answered "a cursor with another limit" 200

# ---- two views of the same people ----

cat >twin.json <<'END'
{"view":"twin","purpose":"loyalty","fields":{"birth_date":{"as":"year"},"postal_code":{"as":"prefix","chars":3},
 "country":{"as":"keep"},"joined_on":{"as":"month"}}}
END
sed 's/"twin"/"twin2"/' twin.json >twin2.json
exits 0 "a view" cofre view apply twin.json
exits 0 "its twin" cofre view apply twin2.json
token twin --role crm --view twin
token twin2 --role crm --view twin2
pages twin twin 1000 >a
pages twin2 twin2 1000 >b
equal "both have everyone" "$(wc -l <a) $(wc -l <b)" "$members $members"
equal "no pseudonym in both" "$(sort <(jq -r .pseudonym a) <(jq -r .pseudonym b) | uniq -d)" ""
check "the same people" test "$(jq -c .fields a | sort | sha256sum)" = "$(jq -c .fields b | sort | sha256sum)"
check "in another order" test "$(jq -c .fields a | sha256sum)" != "$(jq -c .fields b | sha256sum)"

# A new version: a field less is a field less on the next request, under the same pseudonyms.
sed 's/"country":{"as":"keep"},//' twin.json >twin.new.json
exits 0 "a new version" cofre --json view apply twin.new.json
equal "its number" "$(jq .version out)" 2
pages twin twin 1000 >c
equal "the same pseudonyms" "$(jq -r .pseudonym c)" "$(jq -r .pseudonym a)"
equal "without the field" "$(jq -c 'select(.fields.country)' c)" ""
call twin GET /v1/views/twin
equal "the contract says so" "$(json '[.version, (.fields | keys | length)] | tojson')" '[2,3]'
finish
