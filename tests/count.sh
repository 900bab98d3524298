#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What `./run bench --count` counts (bench/count): a small program whose writes are known, compiled as the library is for that.
# Stores, changes and locks by two threads in turn are counted, the locked ones by themselves, and those to a line that
# the other thread wrote last. And a file of each layer compiles with it, macros in place of the operations.
#
#   usage: count.sh BUILD_DIR
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
        echo "count.sh: $*" >&2
        exit 1
}

cat >"$work/known.c" <<'END'
#include <pthread.h>
#include <stdlib.h>

#include "base/limits.h"
#include "bench/harness.h"

static struct { uint64_t shared; struct cop__lock lock; } one COP__LINE_ALIGNED;
static uint64_t own COP__LINE_ALIGNED;

void bench_wrong(const char *claim, const char *format, ...)
{
        (void)claim, (void)format;
        abort();
}

static void *other(void *unused)
{
        (void)unused;
        cop__add_relaxed(&one.shared, (uint64_t)1);
        return NULL;
}

int main(void)
{
        for (int i = 0; i < 10; i++) {
                pthread_t thread;
                cop__store_release(&one.shared, (uint64_t)i);
                cop__store_relaxed(&own, (uint64_t)i);
                cop__lock_lock(&one.lock);
                cop__lock_unlock(&one.lock);
                if (pthread_create(&thread, NULL, other, NULL) != 0)
                        return 1;
                pthread_join(thread, NULL);
        }
        bench_tell_counts("known", 2, 10);
        return one.shared != 10;
}
END
flags="-std=gnu11 -O1 -I$here -I$here/include -I$1/generated -include $here/base/own_code_mark.h -include $here/bench/count/count.h"
# shellcheck disable=SC2086 # a list of words
${CC:-cc} $flags "$work/known.c" "$here/bench/count/count.c" "$here/base/spin.c" "$here/base/own_wait.c" -o "$work/known" -pthread >"$work/log" 2>&1 ||
        fail "does not build: $(cat "$work/log")"
"$work/known" >"$work/out" || fail "it ended with $?"

# Each round: two stores, a lock and the other's addition; the store and the addition meet on one line, but for the first store.
grep -q '^{"name":"known","workers":2,"ops":10,"writes":4.000,"locked":2.000,"moved":1.9000}$' "$work/out" ||
        fail "other counts than there were writes: $(cat "$work/out")"

# has_place WORDS OPERATION: so many of these writes are told beside the operation's line.
has_place() {
        line=$(grep -nF "$2" "$work/known.c" | cut -d: -f1)
        grep -q "^ *$1 .*known.c:$line\$" "$work/out" || fail "no '$1' at line $line: $(cat "$work/out")"
}
has_place '1.0000 moved   1.0000 writes, locked' 'cop__add_relaxed(&one.shared'
has_place '0.9000 moved   1.0000 writes' 'cop__store_release(&one.shared'
has_place '0.0000 moved   1.0000 writes' 'cop__store_relaxed(&own'
has_place '0.0000 moved   1.0000 writes, locked' 'cop__lock_lock('

for file in base/pool.c mailbox/buffer.c scheduler/park.c actors/send.c; do
        # shellcheck disable=SC2086 # a list of words
        ${CC:-cc} $flags -fsyntax-only "$here/$file" >"$work/log" 2>&1 || fail "$file does not compile: $(cat "$work/log")"
done
echo "count: what is written is counted"
