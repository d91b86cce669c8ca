#!/bin/sh
# Functions have fewer than 100 lines, files fewer than 1000.
#
# clang-format puts the braces around a function into the first column, and no others but those of
# types and tables, which don't follow a line that ends in ")".

git ls-files -z --cached --others --exclude-standard '*.c' '*.h' '*.go' '*.sh' Makefile |
    xargs -0 awk '
    function finish_file() { if (lines >= 1000) wrong(file, lines, "the file has " lines " lines") }
    function wrong(where, line, text) { print where ":" line ": " text; bad = 1 }
    FNR == 1 { if (NR > 1) finish_file(); file = FILENAME; start = 0 }
    { lines = FNR }
    file ~ /\.[ch]$/ && /^{$/ { start = FNR }
    file ~ /\.[ch]$/ && /^}$/ && start {
        if (FNR - start >= 100) wrong(file, start, "the function has " (FNR - start) " lines")
        start = 0
    }
    file ~ /\.go$/ && /^func .*{$/ { start = FNR }
    file ~ /\.go$/ && /^}$/ && start {
        if (FNR - start >= 100) wrong(file, start, "the function has " (FNR - start) " lines")
        start = 0
    }
    END { finish_file(); exit bad }'
