#!/usr/bin/env bash
# Import: totals, repetition, changes, refused lines, consents that stay withdrawn, kill -9.
. "$COFRE_SRC/tests/e2e/lib.sh"

# counts WHAT ADDED CHANGED UNCHANGED REJECTED: of the report in `out`
counts() {
    equal "$1: added, changed, unchanged, rejected" \
        "$(tail -n 1 out | jq -c '[.added, .changed, .unchanged, .rejected]')" "[$2,$3,$4,$5]"
}

of_status() {
    cofre status --json | jq ".$1"
}

vault_new
cp "$shop"/customers.csv "$shop"/events.csv .
customers=$(($(wc -l <customers.csv) - 1))
events=$(($(wc -l <events.csv) - 1))

exits 0 "customers go in" cofre --json import customers customers.csv
counts "customers" "$customers" 0 0 0
exits 0 "events go in" cofre --json import events events.csv
counts "events" "$events" 0 0 0
equal "status: customers" "$(of_status customers)" "$customers"
equal "status: events" "$(of_status events)" "$events"
consents=$(tail -n +2 customers.csv | sed 's/.*,//' | wc -w)
equal "status: consents" "$(of_status consents)" "$consents"
check "nothing was refused, so there is no list of it" not test -s customers.csv.rejected

exits 0 "the same customers again" cofre --json import customers customers.csv
counts "the same customers" 0 0 "$customers" 0
exits 0 "the same events again" cofre --json import events events.csv
counts "the same events" 0 0 "$events" 0
equal "no more consents than before" "$(of_status consents)" "$consents"

# A known external_id with other values: only the columns that are there change.
cat >changed.csv <<'END'
external_id,city,name
S0001,Nowhere,
S0003,Elsewhere,Ruth Porter
S0004,,
END
exits 0 "changed values" cofre --json import customers changed.csv
counts "changed values" 0 2 1 0
exits 0 "the change again" cofre --json import customers changed.csv
counts "the change again" 0 0 3 0

server_start
token desk --role support --purpose service
token shop --role ingest
id_of() {
    call shop POST /v1/customers:lookup "{\"index\":\"external_id\",\"value\":\"$1\"}"
    json .id
}
reveal() {
    call desk POST "/v1/customers/$1:reveal" '{"fields":["name","city","email"],"purpose":"service","reason":"a test"}'
}
ruth=$(id_of S0003)
reveal "$ruth"
equal "the changed column, and the others as before" "$(jq -c '.fields | [.name, .city, .email]' reply)" \
    '["Ruth Porter","Elsewhere","ruth.porter.03@inbox.example"]'

# A withdrawn consent is not undone by the file that once granted it.
ada=$(id_of S0001)
call shop PUT "/v1/customers/$ada/consents/loyalty" '{"status":"withdrawn","source":"web"}'
answered "a withdrawal" 200
exits 0 "import over the server" cofre --json import customers customers.csv
counts "after it" 0 2 $((customers - 2)) 0
exits 0 "customer show" cofre --json customer show "$ada"
equal "the consent is still withdrawn" \
    "$(jq -r '.consents[] | select(.purpose == "loyalty") | .status' out)" withdrawn
server_stop

# What is wrong is listed by line, field and reason, and the rest goes in.
cat >bad.csv <<'END'
external_id,name,email,birth_date,consents
B1,Bad Mail,not-an-address,,loyalty
B2,Good One,good.one@example.org,,loyalty
B3,Bad Day,bad.day@example.org,1970-02-30,
B4,Bad Purpose,bad.purpose@example.org,,frobnication
B5,Same Mail,good.one@example.org,,
B6,"Unfinished
END
exits 1 "an import with bad lines exits 1" cofre --json import customers bad.csv
counts "bad lines" 1 0 0 5
equal "line and field of each, in the order of the lines" "$(cut -f1,2 bad.csv.rejected | tr '\t\n' ': ')" \
    "2:email 4:birth_date 5:consents 6:email 7: "
equal "and a reason" "$(awk -F'\t' 'NF != 3 || $3 == ""' bad.csv.rejected)" ""
check "but never a value" not grep -Eqi 'not-an-address|bad|1970|frob|good|Unfin' bad.csv.rejected
check "nor on the terminal" not grep -Eqi 'not-an-address|1970-02|frob|good\.one' out err

printf 'external_id,name,shoe_size\nC1,Some One,42\n' >unknown.csv
exits 2 "an unknown column: the whole file is refused" cofre import customers unknown.csv
printf 'name\nSome One\n' >keyless.csv
exits 1 "no external_id column: every line is refused" cofre import customers keyless.csv
printf 'external_id,name,name\nC1,Some One,Some Two\n' >twice.csv
exits 2 "a column that comes twice" cofre import customers twice.csv
exits 1 "no such file" cofre import customers none.csv
equal "none of them brought anyone" "$(of_status customers)" $((customers + 1))

# Events: the same id with other content is refused; so is one of nobody.
cat >clash.csv <<'END'
event_id,external_id,kind,time,amount,currency,quantity,category
E000001,S0035,purchase,2025-01-01,43.74,EUR,1,electronics
N1,nobody-at-all,purchase,2025-01-01,1.00,EUR,1,books
N2,S0001,frobnication,2025-01-01,1.00,EUR,1,books
N3,S0001,purchase,2025-13-01,1.00,EUR,1,books
N4,S0001,purchase,2025-01-01,1e3,EUR,1,books
N5,S0001,purchase,2025-01-01,0.50,EUR,1,books
END
exits 1 "events that clash" cofre --json import events clash.csv
counts "events that clash" 1 0 0 5
equal "line and field of each, in the order of the lines" "$(cut -f1,2 clash.csv.rejected | tr '\t\n' ': ')" \
    "2:event_id 3:external_id 4:kind 5:time 6:amount "
check "without values" not grep -Eq '43\.74|nobody|frob|2025|1e3' clash.csv.rejected

# JSON lines, with a byte order mark in front of the CSV too.
cat >more.jsonl <<'END'
{"external_id":"J1","name":"José Núñez","email":"jose@example.org","consents":["loyalty","service"]}
{"external_id":"J2","name":"王伟","consents":"loyalty"}
{"external_id":"J3","name":7}
END
exits 1 "JSON lines" cofre --json import customers more.jsonl
counts "JSON lines" 2 0 0 1
printf '\357\273\277external_id,name\r\nBOM1,"O""Neil, Ann"\r\n' >bom.csv
exits 0 "a byte order mark and CRLF" cofre --json import customers bom.csv
counts "a byte order mark" 1 0 0 0

sed 's/B2/B9/; s/good\.one/good.two/' bad.csv >dry.csv
exits 1 "--dry-run" cofre --json import customers --dry-run dry.csv
equal "--dry-run leaves the vault as it was" "$(of_status customers)" $((customers + 4))

# Killed in the middle, the same command again ends with the same totals.
vault=second
key=key2
vault_new
awk -F, -v OFS=, 'NR == 1 { print; next } { for (i = 0; i < 30; i++) { $1 = "R" i "-" NR; print } }' events.csv |
    sed 's/^R/K/' >many.csv
must cofre import customers customers.csv >out 2>err
many=$(($(wc -l <many.csv) - 1))
before=0
for pause in 0.1 0.2 0.3 0.5 0.8 1.3 2.1; do
    "$COFRE_BIN/cofre" --vault "$vault" --key-file "$key" "${options[@]}" import events many.csv \
        >killed.out 2>&1 </dev/null &
    job=$!
    sleep "$pause"
    kill -9 "$job" 2>/dev/null
    wait "$job" 2>/dev/null
    before=$(of_status events)
    [ "${before:-0}" -eq 0 ] || break
done
check "an import was killed half-way ($before)" test "$before" -gt 0 -a "$before" -lt "$many"
exits 0 "the same command again" cofre --json import events many.csv
equal "what was there is not taken twice" "$(tail -n 1 out | jq .unchanged)" "$before"
equal "all of them are there, once" "$(of_status events)" "$many"
exits 0 "and the log is whole" verify second/audit --vkey vkey

# One entry for the start, one for each transaction of at most 1,000 people, one for the end.
acts=$(cofre --json audit show --from 0 --limit 1000 | jq -r .act | sort | uniq -c | awk '{print $2 "=" $1}' | tr '\n' ' ')
check "imports leave their entries ($acts)" grep -q 'import-batch=' <<<"$acts"
finish
