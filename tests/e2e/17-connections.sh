#!/usr/bin/env bash
# Hundreds of keep-alive connections at once are all answered, with 128 no later than with 127.
# labels: race
. "$COFRE_SRC/tests/e2e/lib.sh"

ulimit -S -n "$(ulimit -H -n)" 2>/dev/null
vault_shop
server_start
token crm --role crm --view loyalty
rounds=8
[ -z "${COFRE_SANITIZE-}" ] || rounds=3
before=$(log_size)
asked=0
for count in 1 127 128 129 256 512; do
    read -r good slowest < <(python3 "$COFRE_SRC/tests/e2e/many.py" "$url" crm.curl $count $rounds)
    asked=$((asked + count * rounds))
    equal "$count connections: all are answered" "${good:-none}" $((count * rounds))
    check "$count connections: no round takes long ($slowest s)" \
        awk -v s="${slowest:-99}" 'BEGIN { exit !(s < 10) }'
done
equal "each left one entry" $(($(log_size) - before)) $((asked + 1))

# Connections that say nothing, or little, do not keep others from being served.
python3 - "$url" >idle <<'END' &
import socket, sys, time, urllib.parse
where = urllib.parse.urlsplit(sys.argv[1])
kept = []
for i in range(200):
    s = socket.create_connection((where.hostname, where.port))
    if i % 2:
        s.send(b"GET /v1/views/loyalty HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    kept.append(s)
print("open", flush=True)
time.sleep(60)
END
idle=$!
wait_for 20 grep -q open idle
for _ in 1 2 3 4 5; do
    call crm GET '/v1/views/loyalty/records?limit=2' '' --max-time 5
    answered "beside 200 silent connections" 200
done
kill "$idle"
wait "$idle" 2>/dev/null
server_stop
exits 0 "the log is whole" verify vault/audit --vkey vkey
finish
