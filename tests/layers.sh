#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The layers are real: a file may include its own layer and those before it, never one
# that comes after. Public headers include only public headers and the standard library's,
# samples likewise. The layers of a node ask for the heap's memory through base/memory.h, so that a
# simulation can refuse it.
#
#       tests/layers.sh [BUILD_DIR [TREE]]      checks this tree, or another one
#
# Without TREE it first shows that it can fail, on a tree planted with one of each wrong.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
layers='base mailbox scheduler actors supervisor io distribution shell'

# Prints one line for each wrong include in the tree that is the current directory.
find_wrong() {
        find base mailbox scheduler actors supervisor io distribution shell include samples \
                -type f \( -name '*.[chS]' -o -name '*.inc' \) 2>/dev/null | sort |
        while IFS= read -r file; do
                awk -v file="$file" -v layers="$layers" '
                function wrong(why) {
                        printf "%s:%d: includes %s: %s\n", file, FNR, what, why
                }
                BEGIN {
                        count = split(layers, name, " ")
                        for (i = 1; i <= count; i++)
                                rank[name[i]] = i
                        split(file, part, "/")
                        own = part[1]
                }
                /^[ \t]*#[ \t]*(include|include_next|import)[ \t]*["<]/ {
                        what = $0
                        sub(/^[^"<]*/, "", what)
                        match(what, /^("[^"]*"|<[^>]*>)/)
                        what = substr(what, 1, RLENGTH)
                        quoted = substr(what, 1, 1) == "\""
                        path = substr(what, 2, length(what) - 2)
                        split(path, step, "/")
                        first = step[1]

                        if (path ~ /(^|\/)\.\.?(\/|$)/) {
                                wrong("write it from the root of the tree")
                        } else if (!(own in rank)) {
                                if (quoted || first in rank)
                                        wrong("only <coppice/...> may be used in " own)
                                else if (path ~ /^(ck_|msgpack)/)
                                        wrong("what Coppice is built on stays hidden from " own)
                        } else if (quoted && first == "coppice_config.h") {
                                next
                        } else if (quoted && !(first in rank)) {
                                wrong("no layer has this name")
                        } else if (!quoted && first in rank) {
                                wrong("our own files are included in quotes")
                        } else if (quoted && rank[first] > rank[own]) {
                                wrong(first " is above " own)
                        }
                }' "$file"
        done
}

# What belongs to the process and not to a node, begins before the simulation, or is not simulated: threads, OS processes.
asks_malloc='base/memory.c base/pool.c base/stock.c scheduler/blocking_pool.c scheduler/scheduler.c actors/code_map.c
        actors/crossing.c actors/ground.c actors/inside.c actors/inside_main.c actors/node.c actors/outpost.c actors/outpost_answer.c actors/outside.c actors/place.c
        actors/simulation.c actors/simulation_fault.c actors/zygote.c actors/zygote_main.c'

# Prints one line for each request of malloc itself.
find_raw() {
        find base mailbox scheduler actors supervisor -type f -name '*.[ch]' 2>/dev/null | sort |
        while IFS= read -r file; do
                case " $(echo $asks_malloc) " in
                *" $file "*) ;;
                *) grep -HnE '(^|[^_[:alnum:].])(malloc|calloc|realloc|aligned_alloc)\(' "$file" |
                        sed 's/:[^:]*$/: asks malloc and its like, not base\/memory.h/' ;;
                esac
        done
}

check_tree() {
        wrong=$(cd -- "$1" && find_wrong && find_raw)
        [ -z "$wrong" ] && return 0
        printf '%s\n' "$wrong"
        return 1
}

# plant FILE INCLUDE: one file with one include, in an otherwise right tree.
plant() {
        mkdir -p "$planted/$(dirname -- "$1")"
        printf '/* planted */\n#include <stddef.h>\n%s\n' "$2" >"$planted/$1"
}

# expect_refused FILE INCLUDE: planted, it must be refused by its name and line.
expect_refused() {
        plant "$1" "$2"
        if said=$(check_tree "$planted"); then
                echo "layers.sh cannot fail: it let $1 have $2" >&2
                exit 1
        fi
        case $said in
        "$1:3: "*) ;;
        *)
                echo "layers.sh refused $1 with $2, but said: $said" >&2
                exit 1
                ;;
        esac
        rm -- "$planted/$1"
}

prove_that_it_can_fail() {
        planted=$(mktemp -d)
        trap 'rm -rf -- "$planted"' EXIT
        trap 'exit 1' HUP INT TERM

        plant base/list.h '#include "base/compiler.h"'
        plant scheduler/worker.c '#include "mailbox/queue.h"'
        plant actors/life.c '#include "coppice_config.h"'
        plant actors/heap_too.c '        struct thing *thing = cop__malloc(sizeof *thing);'
        plant shell/client/main.c '#include "base/list.h"'
        plant shell/console.c '#include <coppice/term.h>'
        plant include/coppice/term.h '#include <coppice/id.h>'
        plant samples/shop.c '#include <coppice.h>'
        plant tests/test_any.c '#include "shell/console.h"'
        check_tree "$planted" || {
                echo "layers.sh refuses a tree that is right" >&2
                exit 1
        }

        expect_refused actors/heap.c '        struct thing *thing = malloc(sizeof *thing);'
        expect_refused base/up.h '#include "mailbox/queue.h"'
        expect_refused scheduler/up.c '  #  include "actors/actor.h" /* upward */'
        expect_refused supervisor/up.S '#include "io/socket.h"'
        expect_refused distribution/up.c '#include "shell/console.h"'
        expect_refused actors/angle.c '#include <supervisor/spec.h>'
        expect_refused actors/sideways.c '#include "../supervisor/spec.h"'
        expect_refused io/here.c '#include "socket.h"'
        expect_refused io/tested.c '#include "tests/suite.h"'
        expect_refused include/coppice/inside.h '#include "base/list.h"'
        expect_refused include/coppice/ck.h '#include <ck_pr.h>'
        expect_refused samples/inside.c '#include "actors/actor.h"'
        expect_refused samples/angle.c '#include <actors/actor.h>'
        expect_refused samples/packed.c '#include <msgpack.h>'
}

if [ $# -ge 2 ]; then
        check_tree "$2"
        exit
fi
prove_that_it_can_fail
check_tree "$here/.."
echo "layers: no include points upward, and nobody passes base/memory.h by"
