#!/bin/sh
# clang-format has nothing to change (make format).

git ls-files -z --cached --others --exclude-standard '*.c' '*.h' |
    xargs -0 -n 16 -P "$(nproc)" clang-format --dry-run -Werror 2>&1 | sed -n '/error:/p' | grep . && exit 1
if command -v gofmt >/dev/null; then
    gofmt -l tests/cluster | sed 's/$/: gofmt/' | grep . && exit 1
fi
if command -v terraform >/dev/null; then
    terraform fmt -check -recursive examples 2>/dev/null | sed 's/$/: terraform fmt/' | grep . && exit 1
fi
exit 0
