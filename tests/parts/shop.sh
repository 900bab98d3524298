# Copyright (c) 2026 The Coppice authors. MIT licence.
# shellcheck shell=sh
#
# What scripts about a shop that runs have in common; they set `name`, `BUILD_DIR` is their first argument, and then they read this:
#
#       $build $coppice $shop   where things are; without them the script is skipped
#       $work                   a folder of its own, which is also the runtime folder's; away at the end
#       $process                whom the end of the script ends, too, if it is set
#       fail SENTENCE           with $work/log, if there is one

build=$(CDPATH='' cd -- "${1:-${COPPICE_BUILD:?"usage: tests/$name.sh BUILD_DIR"}}" && pwd)
coppice=$build/coppice
shop=$build/samples/shop
if ! [ -x "$coppice" ] || ! [ -x "$shop" ]; then
        echo "$name: the client or the shop is not built: skipped"
        exit 77
fi

work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work/run" LC_ALL=C.UTF-8
unset COPPICE_DUMP
mkdir -m 700 "$work/run"
process=

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
        [ -z "$process" ] || kill -TERM "$process" 2>/dev/null || true
        [ -z "$process" ] || wait "$process" 2>/dev/null || true
        rm -rf -- "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail() {
        echo "$name: $*" >&2
        [ ! -e "$work/log" ] || cat "$work/log" >&2
        exit 1
}
