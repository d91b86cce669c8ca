# shellcheck shell=bash
# Medians, ratios and the table of a benchmark. Source it.

TABLE=$SCRATCH/table

median() { # column file [divisor]
    awk -v c="$1" '{ print $c }' "$2" | sort -n | awk -v d="${3:-1}" '
        { v[NR] = $1 }
        END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
              printf(m / d < 100 ? "%.1f" : "%.0f", m / d) }'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b ? a / b : 0 }'; }

within() { # a b: whether a <= b, in words
    awk -v a="$1" -v b="$2" 'BEGIN { print a <= b ? "yes" : "no" }'
}

row() { # what measured compared ratio target reached
    printf '%-42s %11s  %-34s %8s  %-9s %s\n' "$@" | sed 's/ *$//' | tee -a "$TABLE"
}

heading() {
    row "" "median" "compared with" "ratio" "target" "reached"
}

finish_table() { # file
    {
        cat "$TABLE"
        echo
        echo "$(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg); $(date -u +%Y-%m-%dT%H:%MZ)"
    } >"$1"
    tail -n 1 "$1"
}
