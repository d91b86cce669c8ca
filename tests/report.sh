# How a run of tests reports: one line per test, then the sum. Source it.
#
#   BUILD   where the binaries are (build)
#   T       run only tests whose path or name contains it
#   CI      in CI a test that can't be run is a failed one

set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
BUILD=${BUILD:-build}
T=${T:-}
passed=0 failed=0 skipped=0

ok() { # name
    echo "ok   $1"
    passed=$((passed + 1))
}

fail() { # name [file with what it said]
    echo "FAIL $1"
    [ $# -lt 2 ] || sed 's/^/     /' "$2"
    failed=$((failed + 1))
}

skip() { # name reason
    if [ -n "${CI:-}" ]; then
        echo "FAIL $1: $2"
        failed=$((failed + 1))
    else
        echo "skip $1: $2"
        skipped=$((skipped + 1))
    fi
}

# Takes over the counts of a run that ended with such a line; its exit status.
add() { # file status name
    local counts
    counts=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$/\1 \2 \4/p' "$1" | tail -n 1)
    read -r p f s <<<"${counts:-0 0 0}"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
    if [ "$2" -ne 0 ] && [ "$f" -eq 0 ]; then fail "$3 (ended with status $2)"; fi
}

sum() {
    local line="$passed passed, $failed failed"
    [ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
    echo "$line"
}

finish() {
    sum
    [ "$failed" -eq 0 ]
}

# The files that T selects.
select_files() { # file...
    if [ -z "$T" ]; then printf '%s\n' "$@"; else tests/select "$T" "$@"; fi
}
