#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# A shell on the shop: starts the shop unless it runs already, attaches the program
# `coppice` to it, and stops what it started when the client ends.
#
#       samples/shell.sh BUILD_DIR [WORDS FOR COPPICE...]
#
# Standard input goes to the client; its exit code is passed on.
set -eu

[ $# -ge 1 ] || {
        echo "usage: samples/shell.sh BUILD_DIR [WORDS FOR COPPICE...]" >&2
        exit 2
}
build=$1
shift
coppice=$build/coppice
shop=$build/samples/shop
for program in "$coppice" "$shop"; do
        [ -x "$program" ] || {
                echo "shell.sh: $program is not built" >&2
                exit 2
        }
done

shop_pid=
log=

# Stops the shop as an operator would, and waits for it.
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
        if [ -n "$shop_pid" ]; then
                kill -TERM "$shop_pid" 2>/dev/null || true
                wait "$shop_pid" 2>/dev/null || true
                shop_pid=
        fi
        [ -z "$log" ] || rm -f -- "$log"
        log=
}
trap clean_up EXIT
# Ctrl-C is the client's affair: it cancels a line, and leaves the shop alone.
trap : INT
trap 'exit 129' HUP
trap 'exit 131' QUIT
trap 'exit 143' TERM

if ! "$coppice" -n shop self >/dev/null 2>&1; then
        log=$(mktemp)
        # setsid: what the terminal sends to its foreground must not reach the shop.
        if command -v setsid >/dev/null 2>&1; then
                setsid "$shop" </dev/null >"$log" 2>&1 &
        else
                "$shop" </dev/null >"$log" 2>&1 &
        fi
        shop_pid=$!
        # The clerk is the last child of the shop to start.
        if ! "$coppice" -n shop --wait 10000 await clerk 10000 >/dev/null 2>&1; then
                echo "shell.sh: the shop did not start; this is its log:" >&2
                cat "$log" >&2
                exit 1
        fi
fi

code=0
"$coppice" -n shop "$@" || code=$?
exit "$code"
