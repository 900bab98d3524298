#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Each public header compiles alone, as strict C11 and as C++17, without a warning, with
# every compiler that is here: gcc, clang and the one that the build uses.
#
# It first shows that it can fail, on planted headers.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

flags='-Wall -Wextra -Wpedantic -Werror -fsyntax-only'

# shellcheck source=tests/parts/compilers.sh
. "$here/parts/compilers.sh"
c_compilers=$(each_compiler gcc clang "${CC:-cc}")
cxx_compilers=$(each_compiler g++ clang++ "${CXX:-c++}")

# compile INCLUDE_DIR HEADER SUFFIX STANDARD COMPILERS
compile() {
        # Twice, so that a missing guard shows.
        printf '#include <%s>\n#include <%s>\n' "$2" "$2" >"$work/alone.$3"
        for compiler in $5; do
                # shellcheck disable=SC2086 # the flags are words
                "$compiler" $flags -std="$4" -I"$1" "$work/alone.$3" || {
                        echo "$2 does not compile alone as $4 with $compiler" >&2
                        return 1
                }
        done
}

check_header() {
        compile "$1" "$2" c c11 "$c_compilers" && compile "$1" "$2" cc c++17 "$cxx_compilers"
}

# refused WHY LINE...: a header of these lines must not pass.
refused() {
        why=$1
        shift
        printf '%s\n' "$@" >"$work/planted.h"
        if check_header "$work" planted.h >/dev/null 2>&1; then
                echo "headers.sh cannot fail: it let through a header $why" >&2
                exit 1
        fi
}

prove_that_it_can_fail() {
        printf '%s\n' '#ifndef P' '#define P' '#include <stdint.h>' \
                'static inline int32_t one(void) { return 1; }' '#endif' >"$work/planted.h"
        check_header "$work" planted.h || {
                echo "headers.sh refuses a header that is right" >&2
                exit 1
        }
        refused 'that needs another one first' 'uint32_t missing(void);'
        refused 'without a guard' 'struct twice { int field; };'
        refused 'that is not C++' '#ifndef P' '#define P' 'int f(int class);' '#endif'
        refused 'that is not C11' '#ifndef P' '#define P' \
                'static inline int f(int a) { return __extension__ ({ a; }) + ({ a; }); }' '#endif'
}

[ -n "$cxx_compilers" ] || {
        echo "headers: no C++ compiler is here" >&2
        exit 1
}
prove_that_it_can_fail

count=0
failed=0
cd -- "$here/../include"
for header in *.h coppice/*.h; do
        [ -e "$header" ] || continue
        count=$((count + 1))
        check_header . "$header" || failed=$((failed + 1))
done
[ "$count" -gt 0 ] || {
        echo "headers: there are none" >&2
        exit 1
}
echo "headers: $count, of which $failed do not compile alone"
[ "$failed" -eq 0 ]
