# Copyright (c) 2026 The Coppice authors. MIT licence.
# shellcheck shell=sh
#
# For scripts that try every compiler that is here:
#
#       each_compiler NAME...   prints those that are here, each once: cc is often gcc, and would say the same again
#
# Two are one when they call themselves so, but for the name that they were called by; a name alone, or where it leads, does not
# tell: before a cache of compilers all names lead to the same program.

each_compiler() {
        for compiler in "$@"; do
                command -v "$compiler" >/dev/null 2>&1 || continue
                printf '%s %s\n' "$("$compiler" --version 2>&1 | sed '1s/^[^ ]* //' | cksum)" "$compiler"
        done | awk '!seen[$1, $2]++ { sub(/^[^ ]* [^ ]* /, ""); print }'
}
