#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What ./run does on a machine that lacks everything. A copy of it runs in an empty tree
# whose path has a space, with a PATH of a few tools and an apt-get that only takes notes.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

tree="$work/a tree"
bin=$work/bin
mkdir -p "$tree" "$bin"
cp "$here/../run" "$tree/run"
: >"$tree/CMakePresets.json"
for tool in sh dirname cat sed grep awk find env rm mkdir uname; do
        ln -s "$(command -v $tool)" "$bin/$tool"
done

fail() {
        echo "run.sh: $*" >&2
        exit 1
}

# tool NAME SCRIPT: puts a program of that name on the PATH.
tool() {
        printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1"
        chmod +x "$bin/$1"
}

# run_it ARGUMENTS...: sets $code, $out and $err.
run_it() {
        code=0
        (cd / && PATH=$bin "$tree/run" "$@") >"$work/out" 2>"$work/err" </dev/null || code=$?
        out=$(cat "$work/out")
        err=$(cat "$work/err")
}

# says TEXT WORD...: each word must be in the text.
says() {
        text=$1
        shift
        for word in "$@"; do
                case $text in
                *"$word"*) ;;
                *) fail "'$word' is missing from: $text" ;;
                esac
        done
}

run_it
[ "$code" -eq 0 ] || fail "bare, it ended with $code: $err"
says "$out" demo shell test soak bench build clean

run_it uproot
[ "$code" -eq 2 ] || fail "an unknown command ended with $code"
says "$err" uproot
run_it test --preset larch
[ "$code" -eq 2 ] || fail "an unknown preset ended with $code"
says "$err" larch asan

# By a link: the tree is the script's, and nothing beside the link is touched. A copy without a tree refuses.
mkdir -p "$work/elsewhere/build" "$tree/build" "$work/alone/build"
ln -s "$tree/run" "$work/elsewhere/run"
ln -s "$(command -v readlink)" "$bin/readlink"
PATH=$bin "$work/elsewhere/run" clean || fail "clean by a link failed"
[ -e "$work/elsewhere/build" ] || fail "clean by a link removed what is beside the link"
[ ! -e "$tree/build" ] || fail "clean by a link left the tree's build"
cp "$tree/run" "$work/alone/run"
! PATH=$bin "$work/alone/run" clean 2>/dev/null || fail "a copy without a tree cleans"
[ -e "$work/alone/build" ] || fail "a copy without a tree removed what is beside it"

run_it test --preset fuzz
[ "$code" -eq 2 ] || fail "a preset without tests ended with $code"

# Another package manager: the list, and a failure.
tool id 'echo 0'
for command in demo shell test bench build; do
        run_it $command
        [ "$code" -ne 0 ] || fail "$command without packages ended with 0"
        says "$err" 'no apt-get' cmake ninja-build libck-dev libmsgpack-dev
done

# apt-get, but no right to use it.
tool apt-get "printf '%s %s\n' \"\${DEBIAN_FRONTEND:-}\" \"\$*\" >>'$work/notes'"
tool id 'echo 1000'
run_it build
[ "$code" -ne 0 ] || fail "without the right to install it ended with 0"
says "$err" 'may not install' cmake
tool sudo 'exit 1'
run_it build
[ "$code" -ne 0 ] || fail "with a sudo that refuses it ended with 0"
[ ! -e "$work/notes" ] || fail "apt-get was called without the right to: $(cat "$work/notes")"

# As root, and through sudo: only what the job needs is asked for, and it says why.
tool id 'echo 0'
run_it build
says "$err" 'Concurrency Kit' 'installing through apt-get, because'
says "$(cat "$work/notes")" 'noninteractive update' 'noninteractive install' ' cmake' ' libck-dev' \
        ' check'
rm "$work/notes"
run_it build release
case $(cat "$work/notes") in
*" check"*) fail "the release build asked for the packages of the tests" ;;
esac
rm "$work/notes"
tool id 'echo 1000'
tool true 'exit 0'
# shellcheck disable=SC2016 # sudo's script expands it
tool sudo '[ "$1" = -n ] && shift; exec "$@"'
run_it build
says "$err" 'installing through sudo apt-get, because'
says "$(cat "$work/notes")" 'noninteractive install' ' libmsgpack-dev'

# A user who cannot install may go on without the optional ones.
rm "$work/notes"
tool id 'echo 0'
RUN_OPTIONAL=0
export RUN_OPTIONAL
run_it build
case $(cat "$work/notes") in
*libedit*) fail "RUN_OPTIONAL=0 asked for optional packages" ;;
esac

echo "run: it helps, refuses, and installs what is missing"
