#!/usr/bin/env bash
# `cofre init` prints the log's public key alone; what goes wrong has the documented exit status.
. "$COFRE_SRC/tests/e2e/lib.sh"

bare() {
    "$COFRE_BIN/cofre" "${options[@]}" "$@"
}

exits 0 "init makes a vault" bare init --vault vault --key-file key
equal "stdout is one line" "$(wc -l <out)" 1
check "which is a verifier key with the default origin" \
    grep -Eqx 'cofre\.invalid/[a-z0-9]+\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}=?' out
cp out vkey
equal "the key file holds 32 bytes" "$(stat -c %s key)" 32
equal "for the owner alone" "$(stat -c %a key)" 600
equal "the vault is the owner's alone" "$(stat -c %a vault)" 700
for name in vault.db keyring keyslots anchor audit/checkpoint audit/keys/vkeys; do
    check "there is $name" test -s "vault/$name"
done
equal "audit/keys/vkeys is what was printed" "$(cat vault/audit/keys/vkeys)" "$(cat vkey)"
exits 0 "the new log verifies" verify vault/audit --vkey vkey

before=$(find vault -type f -exec sha256sum {} + | sort)
exits 1 "a second init is refused" bare init --vault vault --key-file key
equal "and prints nothing" "$(cat out)" ""
equal "and changes nothing" "$(find vault -type f -exec sha256sum {} + | sort)" "$before"

exits 6 "a key file inside the vault is refused" bare init --vault other --key-file other/key
check "no vault is left behind" not test -e other/vault.db
exits 0 "an origin can be given" bare init --vault named --key-file key --origin shop.example/log
check "and is the key's name" grep -q '^shop\.example/log+' out
exits 2 "a malformed origin" bare init --vault named2 --key-file key --origin 'two words'
exits 2 "a required option without its argument" bare init --vault

head -c 32 /dev/zero >wrong
chmod 600 wrong
exits 6 "another key does not open the vault" bare status --vault vault --key-file wrong
check "and the message says so" grep -qi 'key' err
head -c 31 key >short
chmod 600 short
exits 2 "a key file of 31 bytes" bare status --vault vault --key-file short
cp key open
chmod 644 open
exits 6 "a key file that others may read" bare status --vault vault --key-file open
exits 1 "a key file that is not there" bare status --vault vault --key-file none
exits 1 "a vault that is not there" bare status --vault none --key-file key

exits 2 "no secret and no terminal" setsid "$COFRE_BIN/cofre" "${options[@]}" --vault vault status
exits 2 "an unknown command" bare frobnicate
exits 2 "half a command" bare view
exits 2 "no command" bare
exits 2 "an unknown option" bare status --frob
exits 2 "a command's option with another command" bare status --ttl 3d
exits 2 "too many arguments" bare status --vault vault --key-file key more
exits 2 "crm needs a view" bare --vault vault --key-file key token issue --role crm --name x
exits 2 "support needs a purpose" bare --vault vault --key-file key token issue --role support --name x
exits 2 "an unknown role" bare --vault vault --key-file key token issue --role root --name x

exits 0 "--json before the command" bare --json --vault vault --key-file key status
check "is JSON" jq -e .log_size out
exits 0 "--json after the command" bare status --vault vault --key-file key --json
check "is JSON" jq -e .log_size out
exits 2 "an error with --json" bare --json frobnicate
check "is JSON on stderr" jq -e . err
exits 0 "without --json it is for people" bare --vault vault --key-file key status
check "a table" grep -Eq '^log_size +[0-9]+$' out
COFRE_VAULT=vault exits 0 "COFRE_VAULT names the vault" bare --key-file key status

printf 'correct horse battery staple\n' >passphrase
chmod 600 passphrase
exits 0 "a vault with a passphrase" bare init --vault phrase --passphrase-file passphrase
exits 0 "opens with it" bare status --vault phrase --passphrase-file passphrase
exits 0 "and from a descriptor" bare status --vault phrase --passphrase-fd 9 9<passphrase
printf 'wrong horse battery staple\n' >wrong
exits 6 "and not with another" bare status --vault phrase --passphrase-file wrong
exits 2 "a passphrase that is too short" bash -c '
    printf "short\n" >little && chmod 600 little && exec "$@"' - \
    "$COFRE_BIN/cofre" "${options[@]}" init --vault phrase2 --passphrase-file little

for program in cofre cofre-verify; do
    exits 0 "$program --version" "$COFRE_BIN/$program" --version
    exits 0 "$program --help" "$COFRE_BIN/$program" --help
done
exits 0 "help of a group of commands" bare audit --help
equal "is that of its commands alone" "$(awk '{ print $1 }' out | sort -u)" audit
cp out group
exits 0 "as with help" bare help audit
check "the same" cmp out group
helps() { # COMMAND OPTION HELP: what the option means to this command
    exits 0 "help $1" bare help $1
    equal "$1 $2" "$(sed -n "s/^  $2  *//p" out)" "$3"
}
helps "serve" "--listen ADDR:PORT" "where to listen (127.0.0.1:8420); port 0: any"
helps "witness serve" "--listen ADDR:PORT" "where to listen (127.0.0.1:8421); port 0: any"
helps "audit show" "--limit N" "at most so many entries (50)"
helps "customer accesses" "--limit N" "at most so many entries"
helps "audit export" "--format FORMAT" "jsonl, cef or ocsf (jsonl)"
helps "import events" "--format FORMAT" "csv or jsonl, where the file's name does not say"
exits 0 "selftest needs no vault" bare selftest
exits 64 "cofre-verify without arguments" verify
exits 66 "cofre-verify without a log" verify nowhere --vkey vkey
exits 66 "cofre-verify without the key" verify vault/audit --vkey nowhere
exits 64 "a key out of the log itself is refused" verify vault/audit --vkey vault/audit/keys/vkeys
finish
