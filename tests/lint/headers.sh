#!/bin/sh
# Each header compiles alone, with gcc and with clang.
#
# C_FLAGS are the flags of the build.

check() { # compiler header
    out=$(printf '#include "%s"\nstruct not_empty;\n' "$2" |
        eval "$1 -x c -fsyntax-only -Itests $C_FLAGS -Wno-unused-function -" 2>&1) && return
    echo "$1: $2"
    echo "$out" | head -n 5
    return 1
}

if [ "${1:-}" = -one ]; then
    check gcc "$2" && check clang "$2"
    exit
fi
git ls-files -z --cached --others --exclude-standard 'lib/*.h' 'resources/*.h' 'provider/*.h' 'tests/*.h' |
    xargs -0 -n 1 -P "$(nproc)" "$0" -one
