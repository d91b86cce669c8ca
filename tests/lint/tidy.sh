#!/bin/bash
# clang-tidy has nothing to say (.clang-tidy names what is left out, and why).
#
# What was clean before isn't looked at again until it or a header of its changes. TIDY_SECONDS is
# how long this may take; the files that changed last come first, and what is left over is said.

TIDY_SECONDS=${TIDY_SECONDS:-900}
clean=$BUILD/lint/clean
mkdir -p "$clean"

# Everything that a file's verdict depends on.
key() { # file
    { cat .clang-tidy && clang-tidy --version && echo "$C_FLAGS" && eval "clang -E -Itests $C_FLAGS" '"$1"'; } 2>/dev/null |
        sha256sum | cut -c 1-32
}

one() { # file
    local key
    key=$(key "$1")
    [ ! -e "$clean/$key" ] || return 0
    [ "$(date +%s)" -lt "$DEADLINE" ] || { echo "$1" >>"$LEFT_OVER"; return 0; }
    if eval "clang-tidy --quiet" '"$1"' "-- -Itests $C_FLAGS" >"$clean/$key.log" 2>&1; then
        mv "$clean/$key.log" "$clean/$key"
        return 0
    fi
    grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter' "$clean/$key.log"
    rm -f "$clean/$key.log"
    return 1
}

if [ "${1:-}" = -one ]; then
    one "$2"
    exit
fi

DEADLINE=$(($(date +%s) + TIDY_SECONDS))
LEFT_OVER=$BUILD/lint/left-over
export DEADLINE LEFT_OVER
: >"$LEFT_OVER"
git ls-files --cached --others --exclude-standard 'lib/*.c' 'resources/*.c' 'provider/*.c' |
    xargs ls -t | xargs -n 1 -P "$(nproc)" "$0" -one
status=$?
[ ! -s "$LEFT_OVER" ] || echo "no time for $(wc -l <"$LEFT_OVER") files (TIDY_SECONDS=$TIDY_SECONDS)"
[ "$status" -eq 0 ]
