#!/bin/sh
# Every header compiles alone: whoever includes it needs to include nothing before it.  Those of
# include/, api/ and cli/ see include/ only, as their users do.
#
#   tests/headers/alone.sh [CC]
set -eu

cc=${1:-${CC:-cc}}
src=${COFRE_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$src"

failed=0
tried=0
for header in $(find include crypto audit vault api cli tests/unit -name '*.h' | LC_ALL=C sort); do
    case $header in
        cli/verify/* | crypto/* | audit/* | vault/* | tests/*) root=-I. ;;
        *) root=-Iinclude ;;
    esac
    tried=$((tried + 1))
    # Twice, so that a missing include guard shows too.
    if ! printf '#include "%s"\n#include "%s"\n' "$src/$header" "$src/$header" |
        "$cc" -std=c17 -D_GNU_SOURCE= -DSQLITE_HAS_CODEC -Wall -Wextra -Werror -Iinclude "$root" \
            ${COFRE_SQLCIPHER_INCLUDE:+-isystem "$COFRE_SQLCIPHER_INCLUDE"} \
            -fsyntax-only -x c -; then
        echo "$header does not compile alone" >&2
        failed=$((failed + 1))
    fi
done

echo "$tried headers, $failed fail"
[ "$tried" -gt 0 ] && [ "$failed" -eq 0 ]
