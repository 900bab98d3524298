#!/bin/sh
# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# System calls fail, at each place in turn: of a small program (injected.c) the first mmap() of each thread fails, then the second, and so
# on until none does; then those of mprotect(), and so on. Each time it answers with a status, which has a sentence, or with all that it
# was to do; it never hangs, dies by a signal, or leaves something behind.
#
#       tests/inject.sh BUILD_DIR [CALL:ERROR...]
#
# INJECT_MOST=N: to the N-th call of a thread and no farther (8).
# It first shows that it can fail, on a call whose failure the program does not bear.
# Each call is a run of this script of its own (--one), and four of them go on at a time: they wait more than they work.
set -eu

one=no
[ "${1:-}" != --one ] || { one=yes; shift; }
build=${1:-${COPPICE_BUILD:?"usage: tests/inject.sh BUILD_DIR [CALL:ERROR...]"}}
shift
most=${INJECT_MOST:-8}
program=$build/tests/injected
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM

skip() {
        echo "inject: $*: skipped"
        exit 77
}

command -v strace >/dev/null 2>&1 || skip "strace is not installed"

# As the runtime uses them; which those are, strace -f -c tells. What the kernel gives to who asks rightly is not among them (getpid, close,
# futex, rt_sigprocmask), nor what an eventfd never answers: write and read are interrupted only. There is no timerfd: a worker waits
# until its next timer.
calls='
mmap:ENOMEM mprotect:ENOMEM munmap:ENOMEM madvise:ENOMEM
openat:EMFILE read:EINTR write:EINTR
epoll_create1:EMFILE epoll_ctl:ENOSPC epoll_pwait2:EINTR epoll_pwait2:ENOSYS epoll_wait:EINTR eventfd2:EMFILE poll:EINTR
socketpair:EMFILE sendmsg:ETOOMANYREFS recvmsg:EINTR recvmsg:ECONNRESET sendto:ECONNRESET recvfrom:ECONNRESET
clone3:EAGAIN clone:EAGAIN waitid:EINTR pidfd_open:EMFILE signalfd4:EMFILE dup3:EMFILE close_range:ENOSYS prctl:EPERM
rt_sigaction:EINVAL sigaltstack:ENOMEM
'

# No cache of freed blocks, so that what the heap has in use is exact; and few descriptors, where each is closed one by one.
export GLIBC_TUNABLES=glibc.malloc.tcache_count=0
ulimit -n 400

# try CALL ERROR N: its code is in $code, what it said in $work/said, and the calls in $work/log.
try() {
        code=0
        timeout -s KILL 60 "$program" "$work/log" "inject=$1:error=$2:when=$3" >"$work/said" 2>&1 || code=$?
}

# is_borne CALL CODE: what the program has come to is an answer.
is_borne() {
        case $1:$2 in
        *:0 | *:1) return 0 ;;
        # What was not unmapped is there; nothing else may be.
        munmap:2) ! grep -q 'left behind' "$work/said" || ! grep 'left behind' "$work/said" | grep -qv 'bytes mapped' ;;
        # The kernel refuses no such stack. Without it a fault is one of a thread that runs no actors, and is told as that.
        sigaltstack:136) grep -q 'because it happened on a thread that runs no actors' "$work/said" ;;
        *) return 1 ;;
        esac
}

# From the fourth on: the first three are of stacks that the C library takes back, and it aborts where it cannot.
first_of() {
        case $1 in
        munmap) echo 4 ;;
        *) echo 1 ;;
        esac
}

runs=0
wrong=0
# fail_each CALL ERROR
fail_each() {
        n=$(first_of "$1")
        while [ "$n" -le "$most" ]; do
                try "$1" "$2" "$n"
                grep -q INJECTED "$work/log" || return 0
                runs=$((runs + 1))
                is_borne "$1" "$code" || {
                        wrong=1
                        echo "inject: when call $n of $1 says $2 the program ends with $code:"
                        sed 's/^/    /' "$work/said"
                        echo "    again with: $program LOG inject=$1:error=$2:when=$n"
                } >&2
                n=$((n + 1))
        done
}

if [ $one = yes ]; then
        fail_each "${1%%:*}" "${1#*:}"
        echo "$runs of $1"
        exit $wrong
fi

: >"$work/log"
code=0
"$program" "$work/log" trace=none >"$work/said" 2>&1 || code=$?
[ "$code" -ne 77 ] || skip "strace may not follow a process here"
[ "$code" -eq 0 ] || {
        echo "inject: where nothing fails it ends with $code:" >&2
        cat "$work/said" >&2
        exit 1
}

# A mutex that cannot be waited for: the C library aborts, and nobody could bear it. Not in each run is there one that has to be.
tries=0
while try futex EINVAL 1+ && is_borne futex "$code" && [ "$tries" -lt 20 ]; do
        tries=$((tries + 1))
done
[ "$tries" -lt 20 ] || {
        echo "inject: cannot fail: a mutex that cannot be waited for is borne" >&2
        exit 1
}

# shellcheck disable=SC2086 # a list of words
[ $# -gt 0 ] || set -- $calls
printf '%s\n' "$@" | xargs -P 4 -n 1 sh "$0" --one "$build" >"$work/runs" || exit 1
runs=$(awk '{ all += $1 } END { print all + 0 }' "$work/runs")
[ "$runs" -gt 0 ] || {
        echo "inject: nothing was injected" >&2
        exit 1
}
echo "inject: $runs times a system call has failed in each thread, and each time there was an answer"
