#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What the library shows and what it keeps.
#
#  - Each exported symbol begins with cop_ and is declared in a public header; one that
#    begins with cop__ is in symbols.allowed as well, with a reason.
#  - Each function or object that a public header declares with COP_API is exported.
#  - Each writable object with static storage is in globals.allowed, with a reason.
#  - No entry of either list is stale.
#
#       tests/symbols.sh BUILD_DIR
#
# It first shows that it can fail, on a small library with one of each wrong.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=${1:-${COPPICE_BUILD:?"usage: tests/symbols.sh BUILD_DIR"}}
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The names in a list, without comments and reasons.
names_in() {
        sed -e 's/#.*//' "$1" | awk 'NF { print $1 }' | sort -u
}

exported_by() {
        nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u
}

# What the headers under $1 declare with COP_API, found by having the compiler expand it.
declared_in() {
        (cd -- "$1" && find . -name '*.h' | sed 's|^\./\(.*\)|#include <\1>|') >"$work/all.c"
        $cc -E -P -std=gnu11 -I"$1" "$work/all.c" >"$work/all.i" || return
        tr '\n' ' ' <"$work/all.i" |
        awk '{ gsub(/[;{}]/, "\n"); print }' |
        awk '/visibility\("default"\)/ {
                sub(/^.*visibility\("default"\)[ )]*/, "")
                while (sub(/__attribute__ *\(\(([^()]|\([^()]*\))*\)\)/, ""))
                        ;
                sub(/[[(=].*/, "")
                if (match($0, /[A-Za-z_][A-Za-z_0-9]*[ \t]*$/)) {
                        name = substr($0, RSTART)
                        sub(/[ \t]+$/, "", name)
                        print name
                }
        }' | sort -u
}

# Writable objects: sections .data, .bss, .tdata, .tbss and commons, under the names of the
# source: a static inside a function is count.0 for gcc and function.count for clang. What
# is const but needs relocation lies in .data.rel.ro; the table of kinds is const too.
globals_of() {
        nm --format=sysv --defined-only "$1" 2>/dev/null |
        awk -F'|' 'NF >= 7 {
                gsub(/ /, "", $1); gsub(/ /, "", $3); gsub(/ /, "", $7)
                if ($3 !~ /^[bBdDCsSgG]$/ || $7 ~ /^\.data\.rel\.ro/ || $7 ~ /^cop_kinds/)
                        next
                sub(/\.[0-9]+$/, "", $1)
                sub(/^.*\./, "", $1)
                print $1
        }' | sort -u
}

# each_line SENTENCE: prints the sentence after each name that comes in; fails if any does.
each_line() {
        awk -v sentence="$1" '{ print $0 " " sentence } END { exit NR > 0 }'
}

# check SHARED STATIC HEADERS SYMBOLS_ALLOWED GLOBALS_ALLOWED
check() {
        good=0
        exported_by "$1" >"$work/exported"
        globals_of "$2" >"$work/globals"
        declared_in "$3" >"$work/declared" || {
                echo "the public headers cannot be read"
                return 1
        }
        names_in "$4" >"$work/symbols_allowed"
        names_in "$5" >"$work/globals_allowed"

        grep -v '^cop_' "$work/exported" |
                each_line "is exported but does not begin with cop_" || good=1
        grep '^cop_' "$work/exported" | comm -23 - "$work/declared" |
                each_line "is exported but no public header declares it" || good=1
        grep '^cop__' "$work/exported" | comm -23 - "$work/symbols_allowed" |
                each_line "is exported but is not in symbols.allowed" || good=1
        comm -13 "$work/exported" "$work/declared" |
                each_line "is declared in a public header but is not exported" || good=1
        comm -13 "$work/exported" "$work/symbols_allowed" |
                each_line "is in symbols.allowed but is not exported" || good=1
        comm -23 "$work/globals" "$work/globals_allowed" |
                each_line "is a writable global but is not in globals.allowed" || good=1
        comm -13 "$work/globals" "$work/globals_allowed" |
                each_line "is in globals.allowed but is no writable global" || good=1
        return $good
}

# --- proof -------------------------------------------------------------------

plant_library() {
        mkdir -p "$work/include/coppice"
        cat >"$work/include/coppice/planted.h" <<'END'
#define COP_API __attribute__((visibility("default")))
COP_API __attribute__((noreturn)) void
cop_declared(const char *text, ...)
        __attribute__((format(printf, 1, 2)));
COP_API char *cop_text(char text[4]);
COP_API extern const int cop_number;
COP_API void cop__macro(void);
static inline int cop_inline(void) { return 1; }
END
        cat >"$work/planted.c" <<'END'
#include <coppice/planted.h>
void cop_declared(const char *text, ...) { (void)text; for (;;); }
char *cop_text(char text[4]) { return text; }
const int cop_number = 1;
void cop__macro(void) { }
static const char *const words[] = { "a", "b" };
static __thread int current;
int count(int i);
int count(int i) { static int calls; current++; return ++calls + words[i][0] + cop_inline(); }
#include "wrong.h"
END
        printf '# planted\ncop__macro a macro needs it\n' >"$work/symbols.list"
        printf 'calls  counts\ncurrent  this thread\n' >"$work/globals.list"
}

# planted [WRONG [SYMBOL [GLOBAL]]]: builds the small library, with one more line of C and
# one more entry in each list, and checks it.
planted() {
        rm -f -- "$work/libplanted.a"
        printf '%s\n' "${1:-}" >"$work/wrong.h"
        $cc -std=gnu11 -fPIC -fvisibility=hidden -I"$work/include" \
                -c "$work/planted.c" -o "$work/planted.o"
        $cc -shared "$work/planted.o" -o "$work/libplanted.so"
        ar -rc "$work/libplanted.a" "$work/planted.o"
        { cat "$work/symbols.list"; echo "${2:-}"; } >"$work/symbols.more"
        { cat "$work/globals.list"; echo "${3:-}"; } >"$work/globals.more"
        check "$work/libplanted.so" "$work/libplanted.a" "$work/include" \
                "$work/symbols.more" "$work/globals.more"
}

# refused SENTENCE ARGUMENTS_OF_PLANTED...
refused() {
        sentence=$1
        shift
        if said=$(planted "$@") || [ "$said" != "$sentence" ]; then
                echo "symbols.sh cannot fail: expected '$sentence', got '$said'" >&2
                exit 1
        fi
}

prove_that_it_can_fail() {
        plant_library
        planted || {
                echo "symbols.sh refuses a library that is right" >&2
                exit 1
        }
        shown='__attribute__((visibility("default")))'
        refused 'stray is exported but does not begin with cop_' \
                "$shown int stray(void) { return 1; }"
        refused 'cop_secret is exported but no public header declares it' \
                "$shown int cop_secret(void) { return 1; }"
        refused 'cop__text is exported but no public header declares it
cop__text is exported but is not in symbols.allowed' "$shown int cop__text(void) { return 1; }"
        refused 'gone is in symbols.allowed but is not exported' '' 'gone it was renamed'
        refused 'hits is a writable global but is not in globals.allowed' 'int hits;'
        refused 'hits is a writable global but is not in globals.allowed' 'static int hits = 1;
int *cop__hits(void) { return &hits; }'
        refused 'mine is a writable global but is not in globals.allowed' '__thread int mine;'
        refused 'gone is in globals.allowed but is no writable global' '' '' 'gone it was a field'

        echo 'COP_API int cop_missing(void);' >>"$work/include/coppice/planted.h"
        refused 'cop_missing is declared in a public header but is not exported'
}

prove_that_it_can_fail
check "$build/libcoppice.so" "$build/libcoppice.a" "$here/../include" \
        "$here/symbols.allowed" "$here/globals.allowed"
echo "symbols: $(wc -l <"$work/exported") exported, $(wc -l <"$work/globals") writable globals"
