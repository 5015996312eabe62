#!/usr/bin/env bash
# Outside time: an authority made with openssl's own tool dates a checkpoint; openssl and cofre-verify check it.
. "$COFRE_SRC/tests/e2e/lib.sh"

# ---- an authority ----

cat >ca.cnf <<'EOF'
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Test
[ca]
basicConstraints = critical,CA:true
[tsa]
basicConstraints = CA:false
extendedKeyUsage = critical,timeStamping
EOF
authority() { # NAME: NAME-ca.pem, and NAME.cnf to reply with
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1-ca.key" -out "$1-ca.pem" \
        -subj "/CN=CA of $1" -days 30 -config ca.cnf -extensions ca 2>/dev/null &&
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" \
            -subj "/CN=$1" -config ca.cnf 2>/dev/null &&
        openssl x509 -req -in "$1.csr" -CA "$1-ca.pem" -CAkey "$1-ca.key" -CAcreateserial -days 30 \
            -extfile ca.cnf -extensions tsa -out "$1.pem" 2>/dev/null || return 1
    cat >"$1.cnf" <<EOF
[tsa]
default_tsa = it
[it]
serial = $PWD/$1.serial
signer_cert = $PWD/$1.pem
signer_key = $PWD/$1.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
tsa_name = yes
EOF
}
must authority stamps
must authority other
reply() { # NAME QUERY REPLY
    openssl ts -reply -config "$1.cnf" -queryfile "$2" -out "$3" 2>/dev/null
}

cat >authority.py <<'EOF'
import http.server, subprocess
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        ok = self.path == "/tsa" and self.headers["Content-Type"] == "application/timestamp-query"
        open("asked.tsq", "wb").write(body)
        if self.path == "/again":
            # The same digest, and the number of another query.
            subprocess.run("openssl ts -query -data vault/audit/checkpoint -sha256 -cert -out asked.tsq", shell=True)
            ok = True
        answer = subprocess.run("openssl ts -reply -config stamps.cnf -queryfile asked.tsq -out /dev/stdout", shell=True,
                                capture_output=True).stdout if ok else b"no"
        if self.path == "/long":
            answer = b"x" * 100000
        self.send_response(200 if self.path != "/busy" else 503)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *what): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open("authority.port", "w").write(str(server.server_port))
server.serve_forever()
EOF
python3 authority.py &
must wait_for 20 test -s authority.port
tsa=http://127.0.0.1:$(cat authority.port)

pairs() {
    find vault/audit/time -type f 2>/dev/null | sort | xargs -rn1 basename | tr '\n' ' '
}
openssl_verifies() {
    openssl ts -verify "$@" -CAfile stamps-ca.pem 2>/dev/null
}
# good WHAT: the log verifies, and each stamp for openssl, too
good() {
    local file
    exits 0 "$1: the log is good" verify vault/audit --vkey vkey
    for file in vault/audit/time/*.tsr; do
        check "$1: openssl verifies $file" openssl_verifies -data "${file%.tsr}.checkpoint" -in "$file"
    done
}

# ---- by hand ----

vault_new
exits 0 "a query" cofre audit timestamp --query q.tsq
cp out kept
check "the checkpoint comes on stdout" grep -q '^— ' kept
size=$(sed -n 2p kept)
equal "the query is about it" "$(openssl ts -query -in q.tsq -text 2>/dev/null | sed -n 's/.*Hash Algorithm: //p')" sha256
equal "private, too" "$(stat -c %a q.tsq)" 600
must reply stamps q.tsq r.tsr
check "which openssl says as well" openssl_verifies -queryfile q.tsq -in r.tsr
exits 2 "the newest checkpoint is another one by now" cofre audit timestamp --reply r.tsr
exits 0 "the reply is kept" cofre audit timestamp --reply r.tsr --checkpoint kept --tsa-ca stamps-ca.pem
check "says when" grep -q "time.*$(date -u +%Y-)" out
check "and who" grep -q 'CN=stamps' out
equal "a pair" "$(pairs)" "$size.checkpoint $size.tsr "
check "of the checkpoint as it was" cmp kept "vault/audit/time/$size.checkpoint"
check "and the reply" cmp r.tsr "vault/audit/time/$size.tsr"
equal "its entry" "$(cofre --json audit show | jq -c 'select(.act == "audit-timestamp" and .ok) | .fields')" \
    "[\"size-$size\",\"$(sha256sum <kept | cut -c1-64)\",\"$(sha256sum <r.tsr | cut -c1-64)\"]"
equal "nothing beside" "$(find vault -name 'timestamp*')" ""
good "by hand"
exits 0 "with the authority's certificates" verify vault/audit --vkey vkey --tsa-ca stamps-ca.pem
exits 1 "with another's" verify vault/audit --vkey vkey --tsa-ca other-ca.pem
exits 1 "twice" cofre audit timestamp --reply r.tsr --checkpoint kept

# ---- what is refused leaves nothing but an entry ----

before=$(pairs)
exits 0 "another query" cofre audit timestamp --query q2.tsq
cp out kept2
must reply other q2.tsq r2.tsr
exits 6 "an authority that is not the one" cofre audit timestamp --reply r2.tsr --checkpoint kept2 --tsa-ca stamps-ca.pem
exits 2 "a reply about another checkpoint" cofre audit timestamp --reply r2.tsr --checkpoint kept
exits 2 "what is no reply" cofre audit timestamp --reply kept --checkpoint kept2
head -c 500 r2.tsr >cut.tsr
exits 2 "half a reply" cofre audit timestamp --reply cut.tsr --checkpoint kept2
exits 2 "certificates that are none" cofre audit timestamp --reply r2.tsr --checkpoint kept2 --tsa-ca kept
sed "2s/.*/1/" kept2 >forged
openssl ts -query -data forged -sha256 -cert -out forged.tsq 2>/dev/null
must reply stamps forged.tsq forged.tsr
exits 6 "a checkpoint that no key of ours signed" cofre audit timestamp --reply forged.tsr --checkpoint forged
mkdir elsewhere
(cd elsewhere && vault=v key=k && cofre init --origin "$(cut -d+ -f1 ../vkey)" >vkey 2>/dev/null && cofre audit checkpoint >kept 2>/dev/null)
cp elsewhere/kept theirs
openssl ts -query -data theirs -sha256 -cert -out theirs.tsq 2>/dev/null
must reply stamps theirs.tsq theirs.tsr
exits 6 "a checkpoint of another log" cofre audit timestamp --reply theirs.tsr --checkpoint theirs
exits 2 "no way" cofre audit timestamp
exits 2 "two ways" cofre audit timestamp --tsa "$tsa/tsa" --reply r2.tsr
exits 1 "a query never overwrites" cofre audit timestamp --query q2.tsq
equal "no new pair" "$(pairs)" "$before"
equal "each is in the log" "$(cofre --json audit show --limit 100 | jq -c 'select(.act == "audit-timestamp" and (.ok | not)) | .code' | wc -l)" 9
good "after the refused ones"

# ---- over HTTP, with a server in between ----

server_start
exits 0 "--tsa" cofre audit timestamp --tsa "$tsa/tsa" --tsa-ca stamps-ca.pem
exits 0 "--tsa as JSON" cofre --json audit timestamp --tsa "$tsa/tsa"
equal "its size is that of a pair" "$(find "vault/audit/time/$(jq .size out).tsr" | wc -l)" 1
equal "three pairs" "$(pairs | wc -w)" 6
exits 75 "an authority that is busy" cofre audit timestamp --tsa "$tsa/busy"
exits 75 "one that answers too long" cofre audit timestamp --tsa "$tsa/long"
exits 75 "one that answers another query" cofre audit timestamp --tsa "$tsa/again" --tsa-ca stamps-ca.pem
exits 75 "one that answers something else" cofre audit timestamp --tsa "$tsa/else"
check "it is told whose fault that is" grep -q 'the authority: ' err
exits 75 "nobody there" cofre audit timestamp --tsa http://127.0.0.1:1/
exits 2 "another scheme" cofre audit timestamp --tsa "file://$PWD/r.tsr"
check "no URL on stderr" not grep -q 127.0.0.1 err
exits 0 "the vault says so too" cofre audit verify
server_stop
good "over HTTP"

# ---- after a key rotation, old checkpoints are still ours ----

exits 0 "a query of the first epoch" cofre audit timestamp --query q3.tsq
cp out kept3
must reply stamps q3.tsq r3.tsr
exits 0 "an epoch ends" cofre key rotate audit
exits 0 "and is dated" cofre audit timestamp --reply r3.tsr --checkpoint kept3
exits 0 "the second is" cofre audit timestamp --tsa "$tsa/tsa"
good "two epochs"

# ---- what a crash leaves ----

exits 0 "a query" cofre audit timestamp --query q4.tsq
cp out kept4
install -m 600 kept4 vault/timestamp.checkpoint
exits 0 "a start drops what has no entry" cofre status
equal "it is gone" "$(find vault -maxdepth 1 -name 'timestamp*')" ""
must reply stamps q4.tsq r4.tsr
install -m 600 kept4 vault/timestamp.checkpoint
install -m 600 r4.tsr vault/timestamp.tsr
exits 0 "and both" cofre status
equal "are gone" "$(find vault -maxdepth 1 -name 'timestamp*')" ""
exits 0 "kept now" cofre audit timestamp --reply r4.tsr --checkpoint kept4
size=$(sed -n 2p kept4)
mv "vault/audit/time/$size.checkpoint" vault/timestamp.checkpoint
mv "vault/audit/time/$size.tsr" vault/timestamp.tsr
exits 0 "a start finishes what has one" cofre status
good "finished from both"
check "the checkpoint is there" cmp kept4 "vault/audit/time/$size.checkpoint"
mv "vault/audit/time/$size.checkpoint" vault/timestamp.checkpoint
exits 0 "or the second of them" cofre status
good "finished from one"
check "the checkpoint is there again" cmp kept4 "vault/audit/time/$size.checkpoint"

# ---- tampering ----

tampered() {
    exits 1 "$1: found" verify vault/audit --vkey vkey
    rm -rf vault/audit/time && cp -a time.good vault/audit/time
}
cp -a vault/audit/time time.good
rm "vault/audit/time/$size.tsr"
tampered "a stamp without its reply"
rm "vault/audit/time/$size.checkpoint"
tampered "a stamp without its checkpoint"
rm -r vault/audit/time
tampered "no stamps at all"
cp "vault/audit/time/$size.tsr" "vault/audit/time/1.tsr"
cp "vault/audit/time/$size.checkpoint" "vault/audit/time/1.checkpoint"
tampered "a stamp that no entry names"
printf x >>"vault/audit/time/$size.checkpoint"
tampered "an altered checkpoint"
good "put back"
finish
