#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The same program linked in six ways, with and without its symbols: what is contained, what is told, and processes of actors.
#
#       tests/linked.sh BUILD_DIR
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=$(CDPATH='' cd -- "${1:-${COPPICE_BUILD:?"usage: tests/linked.sh BUILD_DIR"}}" && pwd)
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM
# shellcheck disable=SC3045 # dash has it
ulimit -S -c 0

fail() {
        echo "linked: $*" >&2
        [ ! -e "$work/said" ] || cat "$work/said" >&2
        exit 1
}

if ! command -v strip >/dev/null || ! [ -e "$build/libcoppice.a" ]; then
        echo "linked: there is no strip, or no static library of Coppice: skipped"
        exit 77
fi
counted= # what ./run coverage counts is counted in these programs, too
[ "${COPPICE_COVERAGE:-OFF}" = OFF ] || counted=-fprofile-instr-generate
libraries=$(sed -n 's/^Libs.private://p' "$build/generated/coppice.pc")

# link WHERE FLAGS...
link() {
        where=$1
        shift
        # shellcheck disable=SC2086 # flags are words
        "$cc" -g -O2 -fno-delete-null-pointer-checks -I"$here/../include" "$here/parts/linked.c" "$library" \
                "$@" $libraries $more $counted -o "$work/$where" >"$work/log" 2>&1
}

# runs PROGRAM DEED HOW CODE: it ends with that code, and what it says is in $work/said.
runs() {
        code=0
        timeout 60 "$work/$1" "$2" "$3" >"$work/said" 2>&1 </dev/null || code=$?
        [ "$code" -eq "$4" ] || fail "$1 $2 $3 ended with $code, not $4"
}

says() {
        grep -q -- "$1" "$work/said" || fail "nothing was said of '$1'"
}

# ends PROGRAM DEED WHOSE WHY: the program ends by it with its code, and says whose fault it is, and why.
ends() {
        runs "$1" "$2" guarded 70
        says "the node stops: a fault in $3 cannot be contained"
        says "because $4"
        says "the process ends with exit code 70"
}

# is_whole PROGRAM: what does not depend on names.
is_whole() {
        runs "$1" none guarded 0
        says "^none: answered"
        says "^the next one: answered"
        for deed in null library free; do
                runs "$1" $deed process 0
                says "^$deed: {"
                says "^the next one: answered"
        done
        runs "$1" free guarded 70
        says "the node stops: a fault in your program cannot be contained"
}

# contains PROGRAM FUNCTION: a fault is the actor's, and the report names the function.
contains() {
        runs "$1" null guarded 0
        says "^null: {fault, sigsegv, .*$2"
        says "^the next one: answered"
        runs "$1" library guarded 0
        says "^library: {fault, sigsegv"
        for deed in free stdio lock; do
                ends "$1" $deed "your program" "the C library was at work"
        done
        ends "$1" runtime "Coppice itself" "the runtime was at work, perhaps with a bad pointer passed to it"
        runs "$1" null process 0
        says "^null: {fault, sigsegv, .*$2"
}

# ends_early PROGRAM: of a second fault, while the first one is judged, or while its report is made, there is no third one.
ends_early() {
        ends "$1" frames "your program" "a second fault followed while it was being handled: SIGSEGV"
        ends "$1" report "your program" "the C library was at work"
        says "this report ends early: a second fault followed while it was being handled: SIGSEGV"
}

more=
library=$build/libcoppice.a
link dynamic || { cat "$work/log" >&2; fail "it cannot be linked"; }
strip -s "$work/dynamic" -o "$work/dynamic_stripped"
is_whole dynamic
contains dynamic write_nowhere
is_whole dynamic_stripped
contains dynamic_stripped "'0x[0-9a-f]*'" # where no name is, there is an address
# Of a shared library of ours it is known which code it is; of a static one nobody knows, so a bad pointer passed to it is the actor's fault.
runs dynamic pointer guarded 0
says "^pointer: {fault, sigsegv"
if [ -e "$build/libcoppice.so" ]; then
        library=$build/libcoppice.so
        link shared -Wl,-rpath,"$build" || { cat "$work/log" >&2; fail "it cannot be linked with the shared library"; }
        library=$build/libcoppice.a
        is_whole shared
        contains shared write_nowhere
        ends shared pointer "Coppice itself" "it lies in Coppice's own code, perhaps for a bad pointer passed to it"
fi
# The program may be optimised when it is linked, and the library is not, though whoever builds it asks for that.
echo 'int main(void) { return 0; }' >"$work/empty.c"
if "$cc" -flto "$work/empty.c" -o "$work/empty" 2>/dev/null; then
        link optimised -flto || { cat "$work/log" >&2; fail "it cannot be linked with -flto"; }
        is_whole optimised
        contains optimised "" # the function may be part of another now
fi
cmake -S "$here/.." -B "$work/asked" -G Ninja -DCMAKE_C_COMPILER="$cc" -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON \
        -DCMAKE_C_FLAGS="-flto -ffunction-sections -fno-asynchronous-unwind-tables -fno-unwind-tables" \
        -DCOPPICE_TESTS=OFF -DCOPPICE_BENCH=OFF >"$work/said" 2>&1 || fail "-flto and its like cannot be configured"
of_ours=CMakeFiles/coppice_objects.dir/base/status.c.o
ninja -C "$work/asked" $of_ours >"$work/said" 2>&1 || fail "-flto and its like cannot be built"
! readelf -SW "$work/asked/$of_ours" | grep -q gnu.lto || fail "the library is optimised when it is linked"
readelf -SW "$work/asked/$of_ours" >"$work/said"
! grep -q ' \.text\.cop_' "$work/said" || fail "each function of the library has a section, and nobody is interrupted"
grep -q ' \.eh_frame' "$work/said" || fail "the library's frames cannot be followed"

# A linker that collects garbage, and does not take __start_NAME for a use.
if "$cc" -fuse-ld=lld "$work/empty.c" -o "$work/empty" 2>/dev/null; then
        link collected -fuse-ld=lld -Wl,--gc-sections || { cat "$work/log" >&2; fail "it cannot be linked with lld and --gc-sections"; }
        is_whole collected
fi

link own_names -DOWN_NAMES || { cat "$work/log" >&2; fail "it cannot be linked with a function that faults in a report"; }
ends_early own_names

# An exception that nobody catches is told by the function that threw it, and not by the library that ends the program for it.
if command -v "${CXX:-c++}" >/dev/null && [ -e "$build/libcoppice.so" ]; then
        "${CXX:-c++}" -std=c++17 -g -O0 -I"$here/../include" "$here/parts/thrower.cpp" -L"$build" -lcoppice -Wl,-rpath,"$build" \
                -o "$work/thrower" >"$work/said" 2>&1 || fail "the program in C++ cannot be linked"
        code=0
        timeout 60 "$work/thrower" >"$work/said" 2>&1 </dev/null || code=$?
        [ "$code" -eq 0 ] || fail "the program in C++ ended with $code"
        says "in .*throws_it.* at .*thrower.cpp:9"
fi

# What libdw needs itself, if it is used.
more="-lelf -lz -llzma -lbz2"
# shellcheck disable=SC2086
if ! "$cc" -static "$work/empty.c" $libraries $more -o "$work/empty" 2>/dev/null; then
        echo "linked: with a shared C library as it should be; static libraries are missing: that half is skipped"
        exit 0
fi
link static -static || { cat "$work/log" >&2; fail "it cannot be linked statically"; }
strip -s "$work/static" -o "$work/static_stripped"
is_whole static
ends static frames "your program" "a second fault followed"
contains static write_nowhere

# Static and stripped: nothing can be contained inline, it is said so twice, and processes go on.
is_whole static_stripped
runs static_stripped none guarded 0
says "warning .*your program is linked statically and stripped, so each fault of an actor will end it"
runs static_stripped null guarded 70
says "because it is linked statically and stripped: nobody can tell its own functions from the C library's"
ends static_stripped runtime "Coppice itself" "the runtime was at work"
echo "linked: shared or static, with names or without, a fault is the actor's or is told, and processes live alone"
