#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# Coppice as others get it: installed into a tree of its own under the build, then used
# by a separate project through find_package (shared and static) and through pkg-config (the same).
# The install tree is moved once, since packagers do that.
#
#       tests/consumer/consumer.sh BUILD_DIR
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=${1:-${COPPICE_BUILD:?"usage: tests/consumer/consumer.sh BUILD_DIR"}}
cc=${CC:-cc}
work=$build/consumer
expected='{bill, 900, 3}'

fail() {
        echo "consumer: $*" >&2
        exit 1
}

# quietly COMMAND...: its output only if it fails.
quietly() {
        "$@" >"$work/log" 2>&1 && return 0
        cat "$work/log" >&2
        fail "this failed: $*"
}

runs() {
        said=$("$@") || fail "$1 ended with $?"
        [ "$said" = "$expected" ] || fail "$1 printed '$said', expected '$expected'"
}

rm -rf -- "$work"
mkdir -p "$work"
quietly cmake --install "$build" --prefix "$work/first"
mv "$work/first" "$work/prefix"
prefix=$work/prefix

library=$(find "$prefix" -name libcoppice.so)
[ -n "$library" ] || fail "libcoppice.so was not installed"
lib=$(dirname -- "$library")
readelf -d "$library" | grep -q 'SONAME.*\[libcoppice\.so\.0\.1\]' ||
        fail "the shared library is not called libcoppice.so.0.1"
for file in "$lib/libcoppice.a" "$lib/pkgconfig/coppice.pc" "$prefix/include/coppice/term.h"; do
        [ -e "$file" ] || fail "$file was not installed"
done
if [ -e "$build/coppice" ] && ! [ -x "$prefix/bin/coppice" ]; then
        fail "the program coppice was not installed"
fi
# Nothing that is installed may remember the trees that it was made from.
if grep -rlF -e "$build/" -e "$here" "$lib/cmake" "$lib/pkgconfig"; then
        fail "these files name the build tree or the source tree"
fi

for static in OFF ON; do
        quietly cmake -S "$here" -B "$work/build-$static" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
                -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" \
                -DCONSUMER_STATIC=$static -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
        quietly cmake --build "$work/build-$static"
        grep -q -e -fno-delete-null-pointer-checks "$work/build-$static/compile_commands.json" ||
                fail "the target does not keep stores through NULL"
        runs "$work/build-$static/consumer"
done

# Until 1.0 another minor version is another library.
for version in 0.1 0.1.0 0.0 0.2 0.1.9 1; do
        rm -rf -- "$work/asks"
        mkdir "$work/asks"
        printf '%s\n' 'cmake_minimum_required(VERSION 3.18)' 'project(asks NONE)' "find_package(coppice $version QUIET)" \
                'message("is found: ${coppice_FOUND}")' >"$work/asks/CMakeLists.txt"
        cmake -S "$work/asks" -B "$work/asks/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 ||
                fail "find_package(coppice $version) ends CMake"
        case $version in
        0.1 | 0.1.0) grep -q 'is found: 1' "$work/log" || fail "find_package does not take this for $version" ;;
        *) ! grep -q 'is found: 1' "$work/log" || fail "find_package takes this for $version" ;;
        esac
done

# A component that there is not is told by its name.
mkdir "$work/strange"
printf '%s\n' 'cmake_minimum_required(VERSION 3.18)' 'project(strange NONE)' \
        'find_package(coppice REQUIRED COMPONENTS nonsense)' >"$work/strange/CMakeLists.txt"
if cmake -S "$work/strange" -B "$work/strange/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1; then
        fail "a component called nonsense was found"
fi
grep -q "Coppice has no component 'nonsense'" "$work/log" || {
        cat "$work/log" >&2
        fail "of a component that there is not nothing was said"
}

PKG_CONFIG_PATH=$lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
case $(pkg-config --cflags coppice) in
*-fno-delete-null-pointer-checks*) ;;
*) fail "coppice.pc does not keep stores through NULL" ;;
esac
# The name of the library, find_package (above), pkg-config and the program coppice have the number of the header.
number=$(printf '#include <coppice/version.h>\nCOP_VERSION_TEXT\n' | "$cc" -E -P -I"$prefix/include" -x c - | tail -n 1 | tr -d '" ')
[ "$(pkg-config --modversion coppice)" = "$number" ] || fail "pkg-config does not say that this is $number"
[ -e "$lib/libcoppice.so.$number" ] || fail "the shared library is not called libcoppice.so.$number"
[ ! -x "$prefix/bin/coppice" ] || [ "$("$prefix/bin/coppice" --version)" = "coppice $number" ] ||
        fail "the program coppice does not say that it is $number"
# pkg-config quotes what a shell would split, so a shell must read its answer.
flags=$(pkg-config --cflags --libs coppice)
eval "set -- $flags"
quietly "$cc" -o "$work/by-pkg-config" "$here/consumer.c" "$@"
LD_LIBRARY_PATH=$lib runs "$work/by-pkg-config"

# As the README says to anybody, with nothing set.
mkdir -p "$work/home/build"
ln -s "$build" "$work/home/build/release"
cp "$here/consumer.c" "$work/home/hello.c"
awk '/^As anybody/ { inside = 1 } inside && /^    / { sub("^    ", ""); print; said = 1 } said && /^$/ { exit }' "$here/../../README.md" |
        sed "s|^cc |$cc |" >"$work/steps"
grep -q pkg-config "$work/steps" || fail "the README does not say how anybody installs"
if [ "${lib##*/}" = lib ]; then
        (cd "$work/home" && quietly env -i HOME="$work/home" PATH="$PATH" sh -e "$work/steps") || exit 1
        runs env -i "$work/home/hello"
fi

# Statically, with what pkg-config says of that, where there are such libraries. The program needs all of the library.
# shellcheck disable=SC2046 # pkg-config's answer is words
if printf 'int main(void) { return 0; }' | "$cc" -static -x c - $(sed -n 's/^Libs.private://p' "$lib/pkgconfig/coppice.pc") \
        -o "$work/nothing" 2>/dev/null; then
        flags=$(pkg-config --static --cflags --libs coppice)
        eval "set -- $flags"
        quietly "$cc" -static -o "$work/static" "$here/node.c" "$@"
        expected='a node'
        runs "$work/static"
fi

# Without tests there is no hook of theirs, whichever way that is said. As a part of another project it installs nothing and has the parent's tests alone.
for without in -DBUILD_TESTING=OFF -DCOPPICE_TESTS=OFF; do
        quietly cmake -S "$here/../.." -B "$work/without" -G Ninja -DCMAKE_C_COMPILER="$cc" $without -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
        grep -q -e '-DCOP__CUES=0' "$work/without/compile_commands.json" || fail "with $without there are no commands"
        ! grep -q -e '-DCOP__CUES=1' "$work/without/compile_commands.json" || fail "with $without the library has the tests' hooks"
        rm -rf -- "$work/without"
done
mkdir "$work/parent"
printf '%s\n' 'cmake_minimum_required(VERSION 3.22)' 'project(parent C)' "add_subdirectory(\"$here/../..\" coppice)" \
        'add_executable(mine mine.c)' 'target_link_libraries(mine PRIVATE coppice::coppice)' >"$work/parent/CMakeLists.txt"
printf '%s\n' '#include <coppice.h>' 'int main(void) { return COP_OK; }' >"$work/parent/mine.c"
quietly cmake -S "$work/parent" -B "$work/parent/build" -G Ninja -DCMAKE_C_COMPILER="$cc"
quietly cmake --install "$work/parent/build" --prefix "$work/parent/prefix"
[ ! -e "$work/parent/prefix/include" ] || fail "as a part of another project it is installed unasked"
! grep -q Nightly "$work/parent/build/build.ninja" || fail "as a part of another project it brings the targets of CTest"

echo "consumer: find_package (shared, static) and pkg-config all work"
