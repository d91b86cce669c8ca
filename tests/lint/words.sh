#!/bin/sh
# No notes to oneself, no paths and hosts of one machine, no tabs and blanks at the end of a line.

found=0
look() { # what, pattern, pathspecs...
    what=$1 pattern=$2
    shift 2
    # the patterns themselves, and sums of modules
    if git grep -nIE --untracked -e "$pattern" -- "$@" ':!tests/lint' ':!*go.sum' | grep -v 'LICENSE'; then
        echo "  ^ $what"
        found=1
    fi
}

look 'is to be done now, or an issue' '\b(TODO|FIXME|XXX|HACK)\b' '*.c' '*.h' '*.def' '*.sh' '*.go' '*.md' '*.tf' Makefile
look 'is the path of a machine' '(^|[^[:alnum:]_.$}/])/(work|root|Users)(/|\b)' '*.c' '*.h' '*.def' '*.sh' '*.go' '*.md' '*.tf' '*.yml' Makefile .ci
look 'is the host of a package registry' '(pypi|crates|npmjs|pythonhosted|maven[.]apache)[.](org|io|com)|(proxy|sum)[.]golang[.]org|deb[.]debian[.]org' .
look 'ends in blanks' '[[:blank:]]+$' '*.c' '*.h' '*.def' '*.sh' '*.go' '*.md' '*.tf' '*.yml' Makefile .ci
look 'has a carriage return' "$(printf '\r')" '*.c' '*.h' '*.def' '*.sh' '*.go' '*.md' '*.tf' '*.yml' Makefile
exit $found
