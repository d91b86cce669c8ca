#!/usr/bin/env bash
# Examples and the snippets of pages are laid out as terraform fmt does it; links of pages lead somewhere.
#
# That the snippets are valid, and the pages complete, needs the provider: tests/acceptance/test_docs.sh
# and test_examples.sh.

pages() { git ls-files --cached --others --exclude-standard '*.md' ':!tests/golden' ':!tests/fuzz'; }
bad=0

# [text](path#anchor) of files in here
while IFS=: read -r page link; do
    target=$(dirname "$page")/${link%%#*}
    [ -z "${link%%#*}" ] || [ -e "$target" ] || { echo "$page: $link leads nowhere" && bad=1; }
    case $link in
    *'#'*) # as GitHub makes anchors of headings; or an <a id>
        [ -n "${link%%#*}" ] || target=$page
        { grep -E '^#+ ' "$target" | sed -E 's/^#+ //' | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9_\n-'
            grep -oE '<a id="[^"]+"' "$target" | sed 's/<a id="//; s/"//'; } | grep -qxF -- "${link#*#}" ||
            { echo "$page: $link: no such heading" && bad=1; }
        ;;
    esac
done < <(pages | xargs grep -HoE '\]\([^)]+\)' | sed -E 's/\]\((.*)\)$/\1/' | grep -vE ':(https?|mailto):')

terraform=$(command -v terraform || command -v tofu) || exit $bad
"$terraform" fmt -check -recursive examples || { echo '  ^ make format' && bad=1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
while read -r page; do
    # a file for each snippet, named by its line
    awk -v to="$work/$(echo "$page" | tr / _)" '
        /^```(terraform|hcl)$/ { file = sprintf("%s_%d.tf", to, NR + 1); next }
        /^```/ { file = "" }
        file { print >file }' "$page"
done < <(pages)
if ! "$terraform" fmt -check "$work" >"$work/names"; then
    sed 's/\.tf$/: not as terraform fmt has it/' "$work/names"
    bad=1
fi
exit $bad
