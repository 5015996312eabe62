#!/usr/bin/env bash
# Verifiers that are not ours accept the log: golang.org/x/mod's, and openssl for the checkpoint's signature.
. "$COFRE_SRC/tests/e2e/lib.sh"

tools=$COFRE_SRC/tests/tools
vault_shop
server_start
token crm --role crm --view loyalty
# More than two full tiles, and one of the level above that is not full.
curl -s -K crm.curl "$url/v1/views/loyalty/records?limit=[1-600]" -o reply
server_stop
exits 0 "ours" verify vault/audit --vkey vkey

exits 0 "openssl verifies the checkpoint" sh "$tools/openssl-checkpoint" vault/audit vkey
cp -a vault/audit altered
sed -i '2s/^/1/' altered/checkpoint
exits 1 "and not another" sh "$tools/openssl-checkpoint" altered vkey

if ! command -v go >/dev/null 2>&1 || [ ! -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]; then
    [ "$failures" -eq 0 ] || finish
    skip "no Go here with golang.org/x/mod (golang-go, golang-golang-x-mod-dev)"
fi
export GOPATH=/usr/share/gocode GO111MODULE=off GOFLAGS='' GOCACHE=${GOCACHE:-$PWD/../gocache}
exits 0 "the verifier builds" go build -o goverify "$tools/goverify/main.go"
exits 0 "golang.org/x/mod verifies the log" ./goverify vault/audit vkey
check "all of it" grep -Eq '^ok: .*, [0-9]{3,} entries, [0-9]+ tiles, [0-9]+ proofs$' out
for file in tile/0/000 tile/entries/001 checkpoint; do
    rm -rf altered
    cp -a vault/audit altered
    python3 -c 'import sys; d = bytearray(open(sys.argv[1], "rb").read()); d[len(d) // 2] ^= 1; open(sys.argv[1], "wb").write(d)' altered/$file
    exits 1 "and not with $file altered" ./goverify altered vkey
done
finish
