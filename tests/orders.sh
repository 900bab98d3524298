#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The order in the name of each atomic operation (base/atomic.h) is the order of the instruction that it becomes on aarch64,
# where, unlike on x86-64, a weaker one is another instruction. An emulator on x86-64 cannot show that an order is missing;
# what is in the code can.
#
#       tests/orders.sh [BUILD_DIR]               ends with 77 without a compiler for aarch64
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
compiler=aarch64-linux-gnu-gcc
command -v $compiler >/dev/null 2>&1 || {
        echo "orders: left out, there is no $compiler"
        exit 77
}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# Operation, instruction with LSE, instruction without it. A fence stands between two plain accesses.
cat >"$work/table" <<'END'
load_relaxed       ldr      ldr
load_acquire       ldap?r   ldap?r
load_seq           ldar     ldar
store_relaxed      str      str
store_release      stlr     stlr
store_seq          stlr     stlr
exchange_relaxed   swp      ldxr.*stxr
exchange_acquire   swpa     ldaxr.*stxr
exchange_acq_rel   swpal    ldaxr.*stlxr
exchange_seq       swpal    ldaxr.*stlxr
cas_release        casl     ldxr.*stlxr
cas_acquire        casa     ldaxr.*stxr
cas_acq_rel        casal    ldaxr.*stlxr
cas_seq            casal    ldaxr.*stlxr
add_relaxed        ldadd    ldxr.*stxr
add_acq_rel        ldaddal  ldaxr.*stlxr
add_seq            ldaddal  ldaxr.*stlxr
sub_relaxed        ldadd    ldxr.*stxr
sub_acq_rel        ldaddal  ldaxr.*stlxr
sub_seq            ldaddal  ldaxr.*stlxr
or_seq             ldsetal  ldaxr.*stlxr
and_seq            ldclral  ldaxr.*stlxr
fence_seq          dmb      dmb
fence_after_exchange dmb    dmb
END

# A function of its own for each, on a long.
write_source() {
        echo '#include "base/atomic.h"'
        while read -r name lse old; do
                : "$lse $old"
                case $name in
                load_*) echo "long do_$name(long *at) { return cop__$name(at); }" ;;
                store_*) echo "void do_$name(long *at, long by) { cop__$name(at, by); }" ;;
                cas_*) echo "int do_$name(long *at, long *old, long by) { return cop__$name(at, old, by); }" ;;
                fence_*) echo "void do_$name(void) { cop__$name(); }" ;;
                *) echo "long do_$name(long *at, long by) { return cop__$name(at, by); }" ;;
                esac
        done <"$work/table"
}

# instructions FILE NAME: those of a function, in one line.
instructions() {
        awk -v name="do_$2:" '
                $1 == name { on = 1; next }
                on && /^\t\.size/ { exit }
                on && /^\t[a-z]/ { printf "%s ", $1 }' "$1"
}

# check TREE: prints what is not as the table says; false when something is.
check() {
        good=0
        write_source >"$work/orders.c"
        for kind in armv8.1-a armv8-a; do
                $compiler -std=gnu11 -O2 -S -mno-outline-atomics -march=$kind -I"$1" -I"$here/../include" \
                        -o "$work/orders.s" "$work/orders.c"
                while read -r name lse old; do
                        wanted=$lse
                        [ $kind = armv8.1-a ] || wanted=$old
                        instructions "$work/orders.s" "$name" | grep -Eq "(^| )$wanted( |\$)" || {
                                echo "orders: cop__$name is on $kind: $(instructions "$work/orders.s" "$name")"
                                good=1
                        }
                done <"$work/table"
        done
        return $good
}

# It can fail: a release that is none.
mkdir -p "$work/planted/base"
cp "$here/../base/"*.h "$work/planted/base/"
sed 's/\(cop__store_release.*\)__ATOMIC_RELEASE/\1__ATOMIC_RELAXED/' "$here/../base/atomic.h" >"$work/planted/base/atomic.h"
! check "$work/planted" >"$work/said" || {
        echo "orders: a store that releases nothing is not found" >&2
        exit 1
}
grep -q 'cop__store_release is on armv8-a: str ret' "$work/said" || {
        cat "$work/said" >&2
        exit 1
}

# Each operation of the header is in the table.
missing=$(sed -n 's/^#define cop__\([a-z_]*\)(.*/\1/p' "$here/../base/atomic.h" | grep -v '^count_' | while read -r name; do
        grep -q "^$name " "$work/table" || echo "$name"
done)
[ -z "$missing" ] || {
        echo "orders: without an instruction here: $missing" >&2
        exit 1
}

check "$here/.." || exit 1
echo "orders: $(grep -c . "$work/table") operations are in the order of their names"
