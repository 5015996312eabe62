#!/usr/bin/env bash
# One server owns the vault; commands reach it through its socket; SIGTERM lets it answer what is under way.
# labels: race
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_new
cp "$shop"/*.csv "$shop"/*.json .
server_start
equal "stdout is one line" "$(cat server.out)" "listening on $url"
check "on the loopback" grep -Eqx 'http://127\.0\.0\.1:[0-9]+' <<<"$url"
call - GET /healthz
answered "healthz" 200
call - GET /readyz
answered "readyz" 200

exits 4 "a second server on the vault" \
    "$COFRE_BIN/cofre" --vault "$vault" --key-file "$key" "${options[@]}" serve --listen 127.0.0.1:0
check "says so" grep -qi 'another\|busy\|already' err
equal "the socket is the owner's alone" "$(stat -c %a vault/control)" 600

# Every kind of command, while the server runs; it has the secret, so none is needed.
bare() {
    "$COFRE_BIN/cofre" --vault "$vault" "${options[@]}" "$@"
}
exits 0 "import customers, through the server" bare --json import customers customers.csv
equal "all of them" "$(tail -n 1 out | jq .added)" $(($(wc -l <customers.csv) - 1))
exits 0 "import events" bare --json import events events.csv
equal "all of them" "$(tail -n 1 out | jq .added)" $(($(wc -l <events.csv) - 1))
printf 'external_id,email\nW1,broken\n' >bad.csv
exits 1 "a refused line" bare import customers bad.csv
check "is written beside the file" grep -q '^2	email	' bad.csv.rejected
exits 1 "a file that is not there" bare import customers none.csv
exits 0 "view apply" bare view apply loyalty.json
echo '{"view":"x","purpose":"loyalty","fields":{"name":{"as":"keep"}}}' >clear.json
exits 6 "view apply, refused" bare view apply clear.json
exits 0 "purpose add" bare purpose add --basis consent surveys
exits 0 "view list" bare view list
check "lists it" grep -q loyalty out
exits 0 "schema show" bare --json schema show
check "is JSON" jq -e '.fields' out
exits 0 "key status" bare key status
exits 0 "audit verify" bare audit verify
exits 0 "audit checkpoint" bare audit checkpoint
check "is signed" grep -q '^— ' out
exits 0 "doctor" bare doctor
exits 0 "a secret that is not needed is ignored" cofre status

token crm --role crm --view loyalty
call crm GET '/v1/views/loyalty/records?limit=5'
answered "a token and a view made meanwhile work at once" 200
ps=$(json '.records[0].pseudonym')

# A rotation while reads go on.
(while [ ! -e stop ]; do
    curl -s -K crm.curl -o /dev/null -w '%{http_code}\n' "$url/v1/views/loyalty/records?limit=[1-20]"
done >reads 2>/dev/null) &
reader=$!
exits 0 "key rotate kek, while reads go on" bare --json key rotate kek
touch stop
wait "$reader"
equal "every read was answered" "$(sort -u reads)" 200
call crm GET "/v1/views/loyalty/records/$ps"
answered "the same record, under the new key" 200

# A view that is dropped is served no longer.
exits 0 "view drop" bare view drop loyalty
call crm GET /v1/views/loyalty/records
problem "a dropped view" 404 not-found

clients=()
# SIGTERM in the middle of many requests: each that was begun is answered whole.
token shop --role ingest
for n in 1 2 3 4; do
    awk -v url="$url" -v n=$n -v auth="$(cat shop.curl)" 'BEGIN {
        for (i = 0; i < 2000; i++) {
            if (i > 0)
                print "next"
            printf "silent\nfail-early\n%s\nheader = \"Content-Type: application/json\"\n", auth
            printf "url = \"%s/v1/customers\"\ndata = \"{\\\"external_id\\\":\\\"T%d-%d\\\"}\"\n", url, n, i
            print "output = /dev/null\nwrite-out = \"%{http_code} %{exitcode}\\n\""
        }
    }' >"many.$n"
    chmod 600 "many.$n"
    curl -K "many.$n" >"answers.$n" 2>/dev/null &
    clients+=($!)
done
wait_for 30 test -s answers.1
sleep 0.3
server_stop
wait "${clients[@]}" 2>/dev/null
# 7: refused, as the server is gone.  An answer cut off would be 18, 52 or 56.
equal "no answer was cut off" "$(cat answers.* | grep -Evx '201 0|000 7|503 0' | sort | uniq -c | head -n 5)" ""
acknowledged=$(cat answers.* | grep -cx '201 0')
equal "what was answered is there, and nothing else" "$(cofre status --json | jq .customers)" \
    $((acknowledged + $(wc -l <customers.csv) - 1))
check "the socket is gone" not test -e vault/control
check "the log ends with a stop" sh -c '"$@" | tail -n 3 | grep -q stop' - \
    "$COFRE_BIN/cofre" --vault "$vault" --key-file "$key" "${options[@]}" audit show
exits 0 "and is whole" verify vault/audit --vkey vkey

# The next start is on the same vault, and on the port that it is given.
server_start
server_stop
exits 6 "off the loopback without TLS" cofre serve --listen 0.0.0.0:0
exits 2 "a malformed address" cofre serve --listen nowhere
finish
