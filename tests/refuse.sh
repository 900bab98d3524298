#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What COP_MESSAGE and the types must not let through: each refuse/*.c, and *.cpp in C++, does not compile, with the sentence
# that its "expect:" comment gives, and refuse/control.c compiles without a warning. With every
# compiler that is here: gcc, clang and the one that the build uses. Nor is any complaint of parts/strict.c, in strict C11.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

flags='-std=gnu11 -Wall -Wextra -Werror -fsyntax-only'
# shellcheck source=tests/parts/compilers.sh
. "$here/parts/compilers.sh"
compilers=$(each_compiler gcc clang "${CC:-cc}")

compile() {
        # shellcheck disable=SC2086 # the flags are words
        LC_ALL=C "$1" $flags -I"$here/../include" "$2" >"$work/said" 2>&1
}

fail() {
        echo "$1" >&2
        sed 's/^/    /' "$work/said" | head -n 5 >&2
        failed=$((failed + 1))
}

count=0
failed=0
for compiler in $compilers; do
        compile "$compiler" "$here/refuse/control.c" ||
                fail "control.c does not compile with $compiler, so the others prove nothing"
        LC_ALL=C "$compiler" -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only -I"$here/../include" \
                "$here/parts/strict.c" >"$work/said" 2>&1 ||
                fail "strict.c does not compile with $compiler in strict C11"
        for file in "$here"/refuse/*.c; do
                name=$(basename -- "$file")
                [ "$name" != control.c ] || continue
                expected=$(sed -n 's|^/\* expect: \(.*\) \*/$|\1|p' "$file")
                [ -n "$expected" ] || {
                        echo "$name does not say what to expect" >&2
                        exit 1
                }
                count=$((count + 1))
                if compile "$compiler" "$file"; then
                        fail "$name compiles with $compiler"
                elif ! grep 'error:' "$work/said" | grep -qF -- "$expected"; then
                        fail "$name fails with $compiler, but nobody says: $expected"
                fi
        done
done

# In C++ the macros are refused in one sentence each.
flags='-std=c++17 -Wall -Wextra -fsyntax-only'
for compiler in $(each_compiler g++ clang++ "${CXX:-c++}"); do
        for file in "$here"/refuse/*.cpp; do
                name=$(basename -- "$file")
                count=$((count + 1))
                if compile "$compiler" "$file"; then
                        fail "$name compiles with $compiler"
                fi
                sed -n 's|^/\* expect: \(.*\) \*/$|\1|p' "$file" >"$work/expected"
                while read -r expected; do
                        grep 'error:' "$work/said" | grep -qF -- "$expected" ||
                                fail "$name fails with $compiler, but nobody says: $expected"
                done <"$work/expected"
                [ "$(grep -c 'error:' "$work/said")" -eq "$(wc -l <"$work/expected")" ] ||
                        fail "$name fails with $compiler, and more is said than that"
        done
done

[ "$count" -gt 0 ] || {
        echo "refuse: there is nothing to refuse" >&2
        exit 1
}
echo "refuse: $count refusals, of which $failed are wrong"
[ "$failed" -eq 0 ]
