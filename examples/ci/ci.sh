#!/usr/bin/env bash
# The jobs of a pipeline that plans and applies in different places. Each runs in the directory of the
# root module, on a machine that knows nothing yet.
#
#   ci.sh plan DIR     plans into DIR: the saved plan, the providers' lock file, and summary.md, which
#                      fits a comment on a pull request. 0 = nothing to do, 2 = there are changes
#   ci.sh apply DIR    applies the plan that another job saved in DIR, and nothing else
#   ci.sh drift DIR    looks for what was changed in the cluster; takes no lock, so it may run beside an
#                      apply. Writes DIR/summary.md. 0 = all is as it should be, 2 = there is drift
#
#   TERRAFORM          the program (terraform); `tofu` works as well
set -euo pipefail

TERRAFORM=${TERRAFORM:-terraform}
COMMENT_MAX=60000 # GitHub takes 65536 characters
export TF_IN_AUTOMATION=1 TF_INPUT=0

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 64
}

init() { "$TERRAFORM" init -no-color >&2; }

# The plan for people, cut where a comment ends.
summary() { # title plan
    local text
    text=$("$TERRAFORM" show -no-color "$2")
    echo "### $1"
    echo
    echo '```diff'
    if [ ${#text} -gt $COMMENT_MAX ]; then
        printf '%s\n...\n(%d more characters: see the log of the job)\n' "${text:0:COMMENT_MAX}" \
            $((${#text} - COMMENT_MAX))
    else
        printf '%s\n' "$text"
    fi
    echo '```'
}

# Plans into a directory; its status is that of -detailed-exitcode.
plan_into() { # directory title [options]
    local dir=$1 title=$2 status=0
    shift 2
    mkdir -p "$dir"
    init
    "$TERRAFORM" plan -no-color -detailed-exitcode -out="$dir/plan" "$@" >&2 || status=$?
    [ $status -eq 0 ] || [ $status -eq 2 ] || return $status
    cp .terraform.lock.hcl "$dir/"
    summary "$title" "$dir/plan" >"$dir/summary.md"
    return $status
}

apply_from() { # directory
    cp "$1/.terraform.lock.hcl" .
    init
    "$TERRAFORM" apply -no-color "$1/plan"
}

[ $# -eq 2 ] || usage
case $1 in
plan) plan_into "$2" "Plan" ;;
apply) apply_from "$2" ;;
drift) plan_into "$2" "Drift" -lock=false ;;
*) usage ;;
esac
