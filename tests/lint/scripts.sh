#!/bin/sh
# Nothing that shellcheck warns of in scripts.

git ls-files --cached --others --exclude-standard | while read -r file; do
    case $file in
    *.sh) echo "$file" ;;
    *) [ ! -f "$file" ] || head -c 64 "$file" | head -n 1 | tr -d '\0' | grep -qE '^#!.*(sh|bash)$' && echo "$file" ;;
    esac
done | xargs shellcheck --severity=warning --external-sources --source-path=SCRIPTDIR --shell=bash
