#!/usr/bin/env bash
# The key-encryption key rotates while reads go on, and goes on after kill -9; nothing stays under the old one.
# timeout: 300
. "$COFRE_SRC/tests/e2e/lib.sh"

vault_shop
# More people, so that a rotation takes a moment.
awk 'BEGIN { print "external_id,name,email,consents"
    for (i = 0; i < 20000; i++) printf "M%d,Ana Nadie %d,m%d@example.org,loyalty\n", i, i, i }' >many.csv
must cofre import customers many.csv >out 2>err

# keks FILTER: of the list of key-encryption keys
keks() {
    cofre --json key status | jq -c "[.classes[] | select(.class == \"kek\")] | $1"
}

cofre --json key status >first
check "key status lists the classes" jq -e '[.classes[].class] | contains(["db", "kek", "index", "log"])' first
equal "one kek" "$(keks 'map([.version, .state])')" '[[1,"active"]]'
check "no key is shown" not grep -Eq '[0-9a-f]{64}|[A-Za-z0-9+/]{43}=' first

server_start
token crm --role crm --view loyalty
token shop --role ingest
call crm GET '/v1/views/loyalty/records?limit=1000'
cp reply before
rm -f stop
(while [ ! -e stop ]; do
    curl -s -K crm.curl -o /dev/null -w '%{http_code}\n' "$url/v1/views/loyalty/records?limit=[11-30]"
done >reads 2>/dev/null) &
reader=$!
(n=0; while [ ! -e stop ]; do
    n=$((n + 1))
    curl -s -K shop.curl -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' \
        --data "{\"external_id\":\"during-$n\",\"consents\":[{\"purpose\":\"loyalty\",\"status\":\"granted\",\"source\":\"web\"}]}" \
        "$url/v1/customers"
done >writes 2>/dev/null) &
writer=$!
exits 0 "key rotate kek" cofre --json key rotate kek
cp out rotated
touch stop
wait "$reader" "$writer"
equal "every read was answered" "$(sort -u reads)" 200
equal "every write was answered" "$(sort -u writes)" 201
equal "the new one is active, and the old one not" \
    "$(keks 'map([.version, .state == "active"])')" '[[1,false],[2,true]]'
equal "everyone is under the new one" "$(keks 'map(.objects)')" "[0,$(cofre status --json | jq .customers)]"
equal "as the report says" "$(tail -n 1 rotated | jq .left)" 0
call crm GET '/v1/views/loyalty/records?limit=1000'
equal "the same records as before" \
    "$(comm -23 <(jq -c '.records[]' before | sort) <(jq -c '.records[]' reply | sort) | wc -l)" \
    "$(comm -13 <(jq -c '.records[]' before | sort) <(jq -c '.records[]' reply | sort) | wc -l)"
exits 2 "an unknown class" cofre key rotate frobnication
server_stop

# A rotation that is killed at one of its own system calls.
preload=${COFRE_FAULT_LIB:-}
case ${COFRE_SANITIZE:-} in
*address*) preload="$(${CC:-cc} -print-file-name=libasan.so) $preload" ;;
esac
rotate_until() {
    LD_PRELOAD=$preload COFRE_FAULT=$1 \
        "$COFRE_BIN/cofre" --vault "$vault" --key-file "$key" "${options[@]}" key rotate kek >killed.out 2>&1 </dev/null
}

if [ -r "${COFRE_FAULT_LIB:-}" ]; then
    # The keyring is on disk, and the job that goes with it is not.
    code=0
    rotate_until path=/keyring,op=rename,do=after || code=$?
    equal "killed between keyring and job" "$code" 137
    equal "everyone is under the one before" "$(keks 'map(.objects > 0)')" '[false,true,false]'
    exits 0 "key resume adopts the new key" cofre key resume
    equal "everyone is under it" "$(keks 'map(.objects > 0)')" '[false,false,true]'
fi

# Killed in the middle, it goes on.
cut=0
for nth in 4 6 8 10 12 16 20; do
    if [ -r "${COFRE_FAULT_LIB:-}" ]; then
        rotate_until "path=vault.db-wal,op=fsync,nth=$nth,do=after"
    else
        timeout -s KILL "0.$nth" "$COFRE_BIN/cofre" --vault "$vault" --key-file "$key" "${options[@]}" \
            key rotate kek >killed.out 2>&1 </dev/null
    fi
    # The newest is active, and somebody is still under another.
    [ "$(keks 'length > 2 and last.state == "active" and (.[:-1] | map(.objects) | add) > 0')" = false ] ||
        { cut=1 && break; }
done
check "a rotation was cut off in the middle ($(keks 'map(.objects)'))" test $cut -eq 1
server_start
call crm GET '/v1/views/loyalty/records?limit=1000'
answered "reads go on in between" 200
equal "with everyone" "$(json '.records | length')" 1000
exits 0 "key resume" cofre key resume
equal "everyone is under the new one" "$(keks 'last.objects')" "$(cofre status --json | jq .customers)"
equal "nothing is under an old one" "$(keks '.[:-1] | map(.objects) | add')" 0
equal "one is active" "$(keks 'map(select(.state == "active")) | length')" 1
exits 1 "key resume with nothing to do" cofre key resume
call crm GET '/v1/views/loyalty/records?limit=1000'
answered "after it" 200
server_stop
exits 0 "doctor" cofre doctor
exits 0 "the log is whole" verify vault/audit --vkey vkey
acts=$(cofre --json audit show --from 0 --limit 1000 2>/dev/null | jq -r .act | sort -u | tr '\n' ' ')
check "rotations are entries ($acts)" grep -q 'key-rotate ' <<<"$acts"
finish
