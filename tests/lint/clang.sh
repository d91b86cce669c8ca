#!/bin/sh
# The code compiles without warnings under clang too.
#
# C_FLAGS are the flags of the build.

git ls-files -z --cached --others --exclude-standard 'lib/*.c' 'resources/*.c' 'provider/*.c' 'tests/*.c' |
    xargs -0 -n 8 -P "$(nproc)" sh -c 'eval "clang -fsyntax-only -Itests $C_FLAGS" "\"\$@\""' clang
