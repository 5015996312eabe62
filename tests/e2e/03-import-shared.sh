#!/usr/bin/env bash
# A real shop's data go in, with the published totals: 23,570 customers, 69,659 purchases, 2,500,315.63.
# labels: large
. "$COFRE_SRC/tests/e2e/lib.sh"

data=$shared/data
[ -f "$data/customers.csv" ] && [ -f "$data/events.csv" ] ||
    skip "no large data here (COFRE_SHARED names a directory with data/customers.csv and data/events.csv)"

vault_new
cp "$data/customers.csv" "$data/events.csv" .
exits 0 "customers" cofre --json import customers customers.csv
equal "all of them" "$(tail -n 1 out | jq -c '[.added, .rejected]')" '[23570,0]'
exits 0 "events" cofre --json import events events.csv
equal "all of them" "$(tail -n 1 out | jq -c '[.added, .rejected]')" '[69659,0]'
equal "as status counts them" "$(cofre status --json | jq -c '[.customers, .events]')" '[23570,69659]'

# Views that keep amounts, for everyone: the contract purpose and the consent.
view() {
    printf '{"view":"%s","purpose":"%s","fields":{"country":{"as":"keep"}},"events":{"kinds":["purchase"],"fields":{"amount":{"as":"keep"}}}}' \
        "$1" "$2" >"$1.json"
    exits 0 "view $1" cofre --json view apply "$1.json"
}
view sums loyalty
view services service

server_start
token sums --role crm --view sums
token services --role crm --view services

# all WHO VIEW WHAT: every page of records or events, through the API
all() {
    local next=
    while [ "$next" != null ]; do
        call "$1" GET "/v1/views/$2/$3?limit=1000${next:+&cursor=$next}"
        answered "a page of $3" 200
        cat reply && echo
        next=$(tail -c 200 reply | sed 's/.*"next":"\{0,1\}\([^"}]*\).*/\1/')
    done
}
sum() {
    jq -r '.events[].attributes.amount' | awk '{ s += $1 * 100 } END { printf "%d %.0f\n", NR, s }'
}

equal "loyalty is granted" "$(all sums sums records | jq -r '.records[].pseudonym' | sort -u | wc -l)" 19939
equal "service is granted" "$(all services services records | jq -r '.records[].pseudonym' | sort -u | wc -l)" 22843

# Who has not granted it is not counted: so everybody grants, and all is there.
exits 0 "a purpose of everyone" cofre purpose add --basis contract accounts
{
    echo external_id,consents
    tail -n +2 customers.csv | sed 's/,.*/,accounts/'
} >everyone.csv
exits 0 "granted by everyone" cofre --json import customers everyone.csv
view accounts accounts
token accounts --role crm --view accounts
all accounts accounts events >events
equal "purchases, and the sum of their amounts in cents" "$(sum <events)" "69659 250031563"
equal "each once" "$(jq -r '.events[].ref' events | sort -u | wc -l)" 69659
equal "of everybody" "$(jq -r '.events[].pseudonym' events | sort -u | wc -l)" 23570

exits 0 "the same file again" cofre --json import events events.csv
equal "changes nothing" "$(tail -n 1 out | jq -c '[.added, .changed, .unchanged]')" '[0,0,69659]'
server_stop
exits 0 "the log is whole" verify vault/audit --vkey vkey
finish
