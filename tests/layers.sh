#!/bin/sh
# The layers, held to their arrows: api, cli -> vault -> audit -> crypto; cli/verify -> audit.
#
# Fails when an #include runs against them, when the public headers need more than libc, when
# sqlite3.h is included above the store, and (where the libraries are built) when foo.c exports a
# name that neither begins with foo_ or cofre_ nor is declared in include/cofre/.  Of a family cut
# by concern, foo_write.c may export foo_*; and what lies in vault/store/ may export store_*.
#
#   tests/layers.sh        COFRE_SRC: the tree (default: this one); COFRE_BUILD: a build directory
set -eu
export LC_ALL=C

src=${COFRE_SRC:-$(cd "$(dirname "$0")/.." && pwd)}
build=${COFRE_BUILD:-}
cd "$src"

bad_includes() {
    find include crypto audit vault api cli -name '*.[ch]' | sort | awk '
    BEGIN {
        # layer: the layers it may include, itself among them
        sees["cofre"] = " cofre "
        sees["crypto"] = " crypto cofre "
        sees["audit"] = " audit crypto cofre "
        sees["vault"] = " vault audit crypto cofre "
        sees["api"] = " api cofre "
        sees["cli"] = " cli cofre "
        sees["verify"] = " verify audit crypto cofre "
        libc = " stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h time.h sys/types.h "
    }

    function layer_of(path) {
        if (path ~ /^include\/cofre\//) return "cofre"
        if (path ~ /^cli\/verify\//) return "verify"
        return substr(path, 1, index(path, "/") - 1)
    }

    function exists(path,    line, found) {
        found = (getline line < path) >= 0
        close(path)
        return found
    }

    # a/b/../c -> a/c
    function tidy(path) {
        while (sub(/[^\/]+\/\.\.\//, "", path)) ;
        gsub(/\.\//, "", path)
        return path
    }

    # Where the compiler would find it: beside the file, under include/, under the root.
    function resolve(file, name,    here) {
        here = file
        sub(/[^\/]*$/, "", here)
        if (exists(here name)) return tidy(here name)
        if (exists("include/" name)) return "include/" name
        if (exists(name)) return tidy(name)
        return ""
    }

    function complain(file, line, what) {
        printf "%s:%d: %s\n", file, line, what
    }

    function check_ours(file, line, name,    from, path) {
        from = layer_of(file)
        path = resolve(file, name)
        if (path == "")
            complain(file, line, "no such header in the tree: " name)
        else if (index(sees[from], " " layer_of(path) " ") == 0)
            complain(file, line, from " may not include " path)
    }

    function check_system(file, line, name) {
        if (name ~ /^cofre\//)
            check_ours(file, line, name)
        else if (layer_of(file) == "cofre" && index(libc, " " name " ") == 0)
            complain(file, line, "public headers include only libc and each other, not <" name ">")
        else if (name == "sqlite3.h" && file !~ /^vault\/store\//)
            complain(file, line, "only vault/store/ may know that the store is SQLite")
    }

    {
        file = $0
        number = 0
        while ((getline text < file) > 0) {
            number++
            if (text !~ /^[ \t]*#[ \t]*include[ \t]*["<]/) continue
            name = text
            sub(/^[^"<]*["<]/, "", name)
            sub(/[">].*/, "", name)
            if (text ~ /^[^<]*"/) check_ours(file, number, name)
            else check_system(file, number, name)
        }
        close(file)
    }'
}

# "library member symbol" for each symbol that a library exports.
exported() {
    for layer in crypto audit vault api; do
        library=$build/$layer/libcofre_$layer.a
        [ -f "$library" ] || continue
        nm --extern-only --defined-only "$library" 2>/dev/null | awk -v layer="$layer" '
            /^.*\.o:$/ { member = $0; sub(/\.c\.o:$/, "", member); next }
            NF == 3 && $3 !~ /^_|[.]/ { print layer, member, $3 }'
    done
}

# Names that live in a file of another name, each for a reason.
exceptions() {
    echo "hash hmac_"    # HMAC is hashing with a key: one header, one context
}

bad_symbols() {
    [ -n "$build" ] || return 0
    {
        exceptions | sed 's/^/exception /'
        find crypto audit vault api -name '*.c' | sed 's/^/file /'
        cat include/cofre/*.h 2>/dev/null | tr -cs 'A-Za-z0-9_' '\n' | sort -u | sed 's/^/public /'
        exported | sed 's/^/symbol /'
    } | awk '
        function begins(text, prefix) {
            return index(text, prefix) == 1
        }

        function belongs(symbol, stem,    prefix) {
            if (symbol == stem || begins(symbol, directory[stem] "_")) return 1
            if (stem in exception && begins(symbol, exception[stem])) return 1
            for (prefix = stem; prefix != ""; ) {
                if (begins(symbol, prefix "_")) return 1
                if (!sub(/_[^_]*$/, "", prefix)) return 0
            }
            return 0
        }

        $1 == "exception" { exception[$2] = $3 }
        $1 == "public" { public[$2] = 1 }
        $1 == "file" {
            n = split($2, part, "/")
            sub(/\.c$/, "", part[n])
            path[part[n]] = $2
            # Below a layer a directory has a name of its own; the layer itself is no prefix.
            directory[part[n]] = n > 2 ? part[n - 1] : "/"
        }
        $1 == "symbol" && !belongs($4, $3) && $4 !~ /^cofre_/ && !($4 in public) {
            print path[$3] " exports " $4 ", which is neither " $3 "_* nor in include/cofre/"
        }'
}

found=$(bad_includes; bad_symbols)
if [ -n "$found" ]; then
    printf '%s\n' "$found" >&2
    printf '%s offences against the layers\n' "$(printf '%s\n' "$found" | wc -l)" >&2
    exit 1
fi
echo "the layers hold"
