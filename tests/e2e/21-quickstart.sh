#!/usr/bin/env bash
# ./quickstart works twice, in a copy of the tree and with nothing beside it.
# labels: slow
# timeout: 300
. "$COFRE_SRC/tests/e2e/lib.sh"

cache=${COFRE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cofre}
ls "$cache"/sqlcipher-*.o >/dev/null 2>&1 || pkg-config --atleast-version=4 sqlcipher 2>/dev/null ||
    skip "SQLCipher is not compiled here yet, and that takes longer than a test may"
[ "$("$COFRE_SRC/scripts/deps" --list build)" = "deps: missing: nothing " ] ||
    skip "something to build with is missing here"

mkdir tree
tar -C "$COFRE_SRC" --exclude=./build --exclude=./demo --exclude=./.git -cf - . | tar -C tree -xf -
(cd tree && find . -type f | sort) >before
for turn in first second; do
    exits 0 "quickstart, the $turn time" ./tree/quickstart
    [ "$failures" -eq 0 ] || { tail -n 30 out && finish; }
    equal "its last line says what passed" "$(tail -n 1 out | sed 's/^[0-9]* //')" "passed, 0 failed"
    check "it shows records" grep -q '"pseudonym":"ps_' out
    check "and a receipt" grep -Eqi '^Cofre-Audit: [0-9]+ ' out
    check "and that the log is good" grep -q '^Good: ' out
    check "no token in its output" not grep -q 'cofre_[0-9A-Za-z]\{49\}' out
    check "nothing is left running" not test -e tree/demo/vault/control
done
(cd tree && find . -path ./build -prune -o -path ./demo -prune -o -type f -print | sort) >after
equal "the tree is as it was" "$(diff before after)" ""

# The commands that it says to try next are commands.
sed -n '/^What to try next/,/check/p' out | grep -oE 'cofre (view|token|status|audit|serve)[a-z ]*' | sort -u >next
check "it says what to try next" test "$(wc -l <next)" -ge 4
finish
