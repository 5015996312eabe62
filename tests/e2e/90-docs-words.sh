#!/usr/bin/env bash
# What the documents say stands in the tree and in the programs: commands, options, files, tests, messages, versions.
. "$COFRE_SRC/tests/e2e/lib.sh"
src=$COFRE_SRC

# none WHAT LIST: the list must be empty
none() {
    equal "$1" "$2" ""
}

# Files of the tree: those that git knows or would take, where there is git; else all but the build.
tree() {
    if git -C "$src" -c safe.directory="$src" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git -C "$src" -c safe.directory="$src" ls-files --cached --others --exclude-standard |
            while read -r file; do [ ! -f "$src/$file" ] || printf '%s\n' "$file"; done
    else
        (cd "$src" && find . -path ./build -prune -o -path ./demo -prune -o -type f -print | sed 's|^\./||')
    fi
}

# tree_grep PATTERN: lines of the tree that match, without binary files and licences' texts
tree_grep() {
    xargs -d '\n' -a tree.list grep -nIE "$1" /dev/null 2>/dev/null | grep -v '/LICENSE:' || true
}

tree >tree.names
sed "s|^|$src/|" tree.names >tree.list
check "the tree has files" test "$(wc -l <tree.names)" -gt 100
pages=(README.md SECURITY.md CHANGELOG.md docs/DESIGN.md docs/FORMAT.md docs/OPERATIONS.md docs/PRIVACY.md
    docs/receipts.md docs/api.md docs/WITNESS.md)

# ---- commands and options ----

"$COFRE_BIN/cofre" help | sed -n '/^commands:/,/^$/p' | sed -n 's/^  \([a-z]*\( [a-z]*\)\{0,1\}\)  *.*/\1/p' |
    sed 's/ *$//' >commands
check "cofre help lists commands" test "$(wc -l <commands)" -ge 20
sed -n 's/^\.It Cm \([a-z]*\( [a-z]\+\)\{0,1\}\).*/\1/p' "$src/cli/cofre.1" | sort >man.commands

while read -r command; do
    check "cofre.1 has: $command" grep -qx "$command" man.commands
    case $command in
        help | version) ;;
        *)
            # Words and options may stand between the program and the command.
            check "README or OPERATIONS shows: cofre $command" \
                grep -qE "cofre( [^ ]+)* $command( |\`|\$)" "$src/README.md" "$src/docs/OPERATIONS.md"
            ;;
    esac
    # shellcheck disable=SC2086 # one or two words
    "$COFRE_BIN/cofre" help $command | sed -n 's/^  --\([a-z-]*\).*/\1/p' >>options.all
done <commands
sort -u options.all >options.list
# Exit codes and lists of the man page begin with `.It Cm`, too: only what is a word of a command counts.
while read -r command; do
    # shellcheck disable=SC2086 # one or two words
    check "what cofre.1 has there is: $command" "$COFRE_BIN/cofre" help $command
done <man.commands

check "commands have options" test "$(wc -l <options.list)" -ge 20
while read -r option; do
    check "cofre.1 has: --$option" grep -qE -- "Fl -$option( |\$)" "$src/cli/cofre.1"
done <options.list
none "options that cofre.1 has and the program has not" \
    "$(grep -oE 'Fl -[a-z-]{2,}' "$src/cli/cofre.1" | sed 's/Fl -//' | sort -u | comm -23 - options.list)"

"$COFRE_BIN/cofre-verify" --help | grep -oE -- '--[a-z]+' | sort -u >verify.options
check "cofre-verify has options" test "$(wc -l <verify.options)" -ge 5
grep -oE 'Fl -[a-z]{2,}' "$src/cli/verify/cofre-verify.1" | sed 's/Fl -/--/' | sort -u >verify.man
equal "cofre-verify.1 has the program's options" "$(cat verify.man)" "$(cat verify.options)"

# ---- files, tests, headings ----

for page in "${pages[@]}"; do
    check "$page is there" test -s "$src/$page"
    directory=$(dirname "$src/$page")
    while read -r link; do
        file=${link%%#*}
        [ -z "$file" ] || check "$page: the link $link leads somewhere" test -e "$directory/$file"
        case $link in
            *'#'*)
                [ -n "$file" ] || file=$(basename "$page")
                check "$page: the link $link has its heading" grep -qx "${link#*#}" <(
                    sed -n 's/^#\+ //p' "$directory/$file" | tr '[:upper:]' '[:lower:]' |
                        tr -cd '[:alnum:] \n-' | tr ' ' '-')
                ;;
        esac
    done < <(grep -oE '\]\([^)]+\)' "$src/$page" | sed 's/^](//; s/)$//')
    while read -r file; do
        check "$page: $file is there" test -e "$src/$file"
    done < <(grep -oE '(^|[^A-Za-z0-9_./-])(include|crypto|audit|vault|api|cli|tests|bench|docs|examples|scripts|cmake)/[A-Za-z0-9_./-]+\.(c|h|sh|md|json|csv|1|cmake)\b' "$src/$page" |
        sed 's/^[^a-z]*//' | sort -u)
    while read -r file; do
        check "$page: the test $file is there" test -e "$src/tests/$file"
    done < <(grep -oE '\b(unit|e2e|fault|fuzz)/[A-Za-z0-9_-]+\.(c|sh)' "$src/$page" | sort -u)
done

check "SECURITY.md names tests" test "$(grep -cE '(unit|e2e)/' "$src/SECURITY.md")" -gt 20
none "claims without a test" "$(awk '
    /^\| claim \| test \|/ || /^\| duty \| what it asks/ { inside = 1; next }
    !/^\|/ { inside = 0 }
    inside && !/^\|---/ && !/(unit|e2e|fault|fuzz)\/[A-Za-z0-9_-]+\.(c|sh)/ { print FILENAME ": " $0 }
' "$src/SECURITY.md" "$src/docs/PRIVACY.md")"

# The code layout has a line for each directory of code, and none of another.
(cd "$src" && find include crypto audit vault api cli -type d -exec sh -c 'ls "$1"/*.[ch] >/dev/null 2>&1' _ {} \; -print) |
    sort >code.directories
sed -n '/^## Code layout/,/^## Building/s/^| `\([a-z/-]*\)\/` .*/\1/p' "$src/README.md" | sort >said.directories
none "directories of code that README does not list" "$(comm -23 code.directories said.directories)"
while read -r directory; do
    check "README: $directory is there" test -d "$src/$directory"
done <said.directories

# ---- messages that OPERATIONS explains ----

sed -n '/^### Exit code 5/,/^## /s/^| `\([^`]*\)` .*/\1/p' "$src/docs/OPERATIONS.md" >messages
check "OPERATIONS explains messages" test "$(wc -l <messages)" -ge 10
python3 - "$src" >source.texts <<'END'
import pathlib, re, sys
for layer in ("vault", "audit", "cli", "crypto"):
    for path in sorted(pathlib.Path(sys.argv[1], layer).rglob("*.c")):
        print(re.sub(r'%(?:l*[ud]|s|" PRIu64 ")', "", re.sub(r'"\s*\n\s*"', "", path.read_text())))
END
while IFS= read -r message; do
    check "a program says: $message" grep -qF -- "$message" source.texts
done <messages

# ---- versions ----

version=$("$COFRE_BIN/cofre" version | cut -d' ' -f2)
equal "cofre-verify's version" "$("$COFRE_BIN/cofre-verify" --version | cut -d' ' -f2)" "$version"
equal "CHANGELOG's newest version" "$(sed -n 's/^## \([0-9.]*\).*/\1/p' "$src/CHANGELOG.md" | head -n 1)" "$version"
equal "openapi.json's version" "$(jq -r .info.version "$src/api/openapi.json")" "$version"
check "README says which version's limits it lists" grep -q "^This is $version\." "$src/README.md"

# ---- words that do not belong ----

# Written in two parts, so that this file is not found.
none "work that was left over" "$(tree_grep '(TO''DO|FIX''ME|\bXX''X\b)')"
none "hosts other than this machine, examples and standards" \
    "$(tree_grep 'https?://' | grep -oE '^[^:]*:[0-9]*|https?://[A-Za-z0-9.:\[_-]*' |
        grep -E '^http' | sed 's/\\//g; s/:\[.*//' | grep -vE '^https?://(127\.0\.0\.1|localhost|\[|www\.apache\.org|c2sp\.org|www\.rfc-editor\.org|([a-z0-9-]+\.)*example(\.org|\.com)?)?(:[A-Za-z0-9]*)?$' | sort -u)"
none "paths of somebody's machine" "$(tree_grep '(^|[^A-Za-z0-9_.}$-])/(work|root|home/[a-z]+|Users)/')"
none "American spelling in the documents" \
    "$(cd "$src" && grep -nE '\b(normaliz|organiz|recogniz|authoriz(e|es|ed|ing)\b|behavior|favor)' "${pages[@]}")"
finish
