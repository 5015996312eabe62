#!/usr/bin/env bash
# TLS by certificate files, client certificates where they are asked for, and no way around off the loopback.
. "$COFRE_SRC/tests/e2e/lib.sh"

# certificate NAME CN EXTENSIONS CA…: NAME.key and NAME.pem
certificate() {
    local name=$1 subject=$2 extensions=$3
    shift 3
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.csr" \
        -subj "/CN=$subject" 2>/dev/null
    printf '%s\n' "$extensions" >"$name.ext"
    if [ $# -eq 0 ]; then
        openssl x509 -req -in "$name.csr" -signkey "$name.key" -days 3 -extfile "$name.ext" -out "$name.pem" 2>/dev/null
    else
        openssl x509 -req -in "$name.csr" -CA "$1.pem" -CAkey "$1.key" -CAcreateserial -days 3 -extfile "$name.ext" \
            -out "$name.pem" 2>/dev/null
    fi
    chmod 600 "$name.key"
}
authority='basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign'
server_use='subjectAltName=IP:127.0.0.1,DNS:localhost
extendedKeyUsage=serverAuth'
must certificate ca "test CA" "$authority"
must certificate other "other CA" "$authority"
must certificate host localhost "$server_use" ca
must certificate client crm 'extendedKeyUsage=clientAuth' ca
must certificate foreign crm 'extendedKeyUsage=clientAuth' other
must certificate wrong crm 'extendedKeyUsage=serverAuth' ca

vault_shop
server_start --tls-cert host.pem --tls-key host.key
check "listens by https" grep -q '^https://' <<<"$url"
token crm --role crm --view loyalty
call crm GET /v1/views/loyalty '' --cacert ca.pem
answered "over TLS" 200
seq=$(receipt 1)
call crm GET /v1/views/loyalty '' --cacert other.pem
check "another authority's client does not trust it" test "${status%% *}" = none
call crm GET /v1/views/loyalty '' --cacert ca.pem --tls-max 1.1 --tlsv1.0
check "TLS 1.1 is refused" test "${status%% *}" = none
for version in 1.2 1.3; do
    call crm GET /v1/views/loyalty '' --cacert ca.pem --tls-max $version "--tlsv$version"
    answered "TLS $version" 200
done
plain=http${url#https}
check "no plain HTTP on that port" not curl -sf -K crm.curl -o reply "$plain/v1/views/loyalty"
call crm GET /v1/views/loyalty '' --cacert ca.pem
equal "what TLS refuses leaves no entry" "$(receipt 1)" $((seq + 3))
curl -s -K crm.curl --cacert ca.pem "$url/v1/views/loyalty/records?limit=[1-100]" -o reply -w '%{http_code}\n' >codes
equal "many on one connection" "$(sort codes | uniq -c | awk '{print $2 "x" $1}')" 200x100
server_stop

server_start --tls-cert host.pem --tls-key host.key --client-ca ca.pem
call crm GET /v1/views/loyalty '' --cacert ca.pem --cert client.pem --key client.key
answered "with a client's certificate" 200
call crm GET /v1/views/loyalty '' --cacert ca.pem
check "not without ($status)" test "$status" = 401 -o "${status%% *}" = none
call crm GET /v1/views/loyalty '' --cacert ca.pem --cert foreign.pem --key foreign.key
check "not with another authority's ($status)" test "$status" = 401 -o "${status%% *}" = none
call crm GET /v1/views/loyalty '' --cacert ca.pem --cert wrong.pem --key wrong.key
check "not with a server's ($status)" test "$status" = 401 -o "${status%% *}" = none
call - GET /v1/views/loyalty '' --cacert ca.pem --cert client.pem --key client.key
answered "the certificate is no token" 401
server_stop

# Off the loopback only with TLS.
listen=0.0.0.0:0
server_start --tls-cert host.pem --tls-key host.key
server_stop
for address in 0.0.0.0:0 '[::]:0'; do
    exits 6 "off the loopback without: $address" cofre serve --listen "$address"
done
exits 2 "a certificate without its key" cofre serve --listen 127.0.0.1:0 --tls-cert host.pem
exits 2 "another key" cofre serve --listen 127.0.0.1:0 --tls-cert host.pem --tls-key client.key
exits 2 "no certificate" cofre serve --listen 127.0.0.1:0 --tls-cert key --tls-key host.key
exits 2 "a client authority without TLS" cofre serve --listen 127.0.0.1:0 --client-ca ca.pem
exits 1 "a file that is not there" cofre serve --listen 127.0.0.1:0 --tls-cert none --tls-key host.key
chmod 644 host.key
exits 6 "a key that everyone may read" cofre serve --listen 127.0.0.1:0 --tls-cert host.pem --tls-key host.key
finish
