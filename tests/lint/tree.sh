#!/bin/sh
# What is tracked is source: no build products, nothing huge, nothing of Terraform's.

bad=0
complain() {
    echo "$1"
    bad=1
}

git ls-files | grep -E '\.(o|a|so|d|pb-c\.[ch]|zip|tgz|tar|gz|exe|tfstate|tfstate\.backup|plan|log)$|(^|/)(\.terraform|build)/|\.terraform\.lock\.hcl$' |
    grep -vE '^tests/(fuzz/corpus|golden)/' && complain '  ^ build products'
# Kubeflow's own manifests are read from its releases.
git ls-files | grep -E '(^|/)(apps|common|contrib|applications)/[^/]+/upstream/' && complain '  ^ manifests of Kubeflow'
# 1 MiB of text is too much to review
git ls-files -z | xargs -0 -r du -b 2>/dev/null | awk '$1 > 1048576 { print; bad = 1 } END { exit bad }' ||
    complain '  ^ more than 1 MiB'
git ls-files -z -- . ':!tests/fuzz/corpus' ':!tests/golden' | xargs -0 -r grep -LI . 2>/dev/null |
    while read -r file; do [ ! -s "$file" ] || echo "$file"; done | grep . && complain '  ^ binary'
# scripts with a first line for the kernel can be started, others can't
git ls-files | while read -r file; do
    [ -f "$file" ] || continue
    first=$(head -c 2 "$file" | tr -d '\0')
    if [ "$first" = '#!' ] && [ ! -x "$file" ]; then echo "$file: not executable"; fi
    if [ "$first" != '#!' ] && [ -x "$file" ]; then echo "$file: executable"; fi
done | grep . && bad=1
exit $bad
