# shellcheck shell=bash
# What acceptance tests share. Source it, define functions test_<name>, and end with run_tests "$@".
#
# Each test runs in a subshell with `set -e`, in a directory of its own, with a TMPDIR of its own
# and a CLI configuration that overrides the provider with the binary under test. What it prints is
# shown only if it fails. Afterwards no process and no socket of the provider may be left.
#
#   BUILD   where the binaries are (build)
#   T       run only the tests whose names contain it (all, if the file's does); so do arguments
#   CI      in CI a missing tool is a failure, elsewhere the tests are skipped
#   KEEP    keep the temporary directories

set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$(cd "$ROOT" && cd "${BUILD:-build}" && pwd)
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/acceptance-XXXXXX")
trap 'cleanup_all' EXIT

cleanup_all() {
    [ -n "${KEEP:-}" ] && { echo "kept $SCRATCH"; return; }
    chmod -R u+rwX "$SCRATCH" 2>/dev/null
    rm -rf "$SCRATCH"
}

# --- assertions ---------------------------------------------------------------------------------

die() {
    echo "assertion failed (line ${BASH_LINENO[1]}): $*"
    exit 1
}

# Whether the file has the text, as it is or where Terraform has broken the line or escaped quotation
# marks.
has() { # file text
    grep -qF -- "$2" "$1" || tr -s ' \n' '  ' <"$1" | sed 's/\\"/"/g' | grep -qF -- "$2"
}

assert_contains() { # file text...
    local file=$1
    shift
    for text; do
        has "$file" "$text" || { tail -40 "$file"; die "\"$text\" isn't in $file"; }
    done
}

assert_lacks() { # file text...
    local file=$1
    shift
    for text; do
        ! has "$file" "$text" || { tail -40 "$file"; die "\"$text\" is in $file"; }
    done
}

assert_equal() { # got wanted
    [ "$1" = "$2" ] || die "got \"$1\" instead of \"$2\""
}

# The command must fail.
refused() {
    if "$@"; then die "\"$*\" succeeded"; fi
}

# The command fails; for `eventually missing kubectl get ...`.
missing() { ! "$@"; }

# Waits up to 10 s until the command succeeds.
eventually() {
    local _
    for _ in $(seq 200); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    die "\"$*\" never succeeded"
}

gone() { # pid
    ! kill -0 "$1" 2>/dev/null
}

milliseconds() {
    echo $(($(date +%s%N) / 1000000))
}

# --- terraform ----------------------------------------------------------------------------------

# terraform with its output in the file `out`, as a person without colours would see it.
tf() {
    local command=$1
    shift
    terraform "$command" -no-color "$@" >out 2>&1 </dev/null || {
        local status=$?
        tail -40 out
        return $status
    }
}

apply() { tf apply -auto-approve "$@"; }
destroy() { tf destroy -auto-approve "$@"; }

# The plan after an apply has nothing to do.
assert_settled() {
    tf plan -detailed-exitcode "$@" || die "there is still something to do"
}

# An attribute of a resource in the state: state probe_object.a .value
state() {
    jq -r --arg address "$1" '.resources[] | select(.type + "." + .name == $address)
        | .instances[] | '"${2:-.attributes}" terraform.tfstate
}

cli_config() { # provider directory
    cat >"$WORK/terraformrc" <<RC
provider_installation {
  dev_overrides { "registry.terraform.io/mlops8020/$1" = "$2" }
  direct {}
}
RC
}

# --- running ------------------------------------------------------------------------------------

# Processes of the binary under test that work in the test's directory.
provider_processes() {
    local p
    for p in /proc/[0-9]*; do
        case "$(readlink "$p/exe" 2>/dev/null)" in
        "$BUILD"/*terraform-provider-* | "$WORK"/*)
            [ "$(readlink "$p/cwd" 2>/dev/null)" = "$WORK" ] && echo "${p#/proc/}"
            ;;
        esac
    done
}

# A process that ended between the look and the signal is as good as killed.
kill_providers() {
    local p
    for p in $(provider_processes); do kill -9 "$p" 2>/dev/null || true; done
}

no_provider_process() { [ -z "$(provider_processes)" ]; }
no_socket() { [ -z "$(find "$WORK/tmp" -name plugin.sock 2>/dev/null)" ]; }

run_one() { # name
    local start
    start=$(milliseconds)
    WORK=$SCRATCH/$1
    mkdir -p "$WORK/tmp"
    (
        set -e
        cd "$WORK"
        unset TF_LOG TF_LOG_PROVIDER TF_REATTACH_PROVIDERS
        export TMPDIR=$WORK/tmp TF_CLI_CONFIG_FILE=$WORK/terraformrc
        export TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
        # of a sanitised binary, whose stderr Terraform swallows
        export ASAN_OPTIONS=log_path=$WORK/sanitizer UBSAN_OPTIONS=log_path=$WORK/sanitizer
        export LSAN_OPTIONS=suppressions=$ROOT/tests/acceptance/lsan.supp:print_suppressions=0
        export TSAN_OPTIONS="log_path=$WORK/sanitizer ignore_noninstrumented_modules=1"
        cli_config "$PROVIDER" "$PROVIDER_DIR"
        "test_$1"
        eventually no_provider_process
        eventually no_socket
        refused cat "$WORK"/sanitizer.* 2>/dev/null
    ) >"$WORK/log" 2>&1
    if [ $? -eq 0 ]; then
        echo "ok $1 ($(($(milliseconds) - start)) ms)"
        passed=$((passed + 1))
    else
        echo "FAIL $1"
        sed 's/^/    /' "$WORK/log"
        failed=$((failed + 1))
    fi
    kill_providers
}

selected() { # name filter...
    local name=$1 f
    shift
    [ $# -eq 0 ] && return 0
    for f; do case $name in *"$f"*) return 0 ;; esac; done
    return 1
}

run_tests() { # filter...
    local name
    passed=0 failed=0
    for name in terraform jq openssl; do
        command -v $name >/dev/null && continue
        [ -n "${CI:-}" ] || { echo "skip ${0##*/}: no $name"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
        die "no $name"
    done
    case $0 in *"${T:-}"*) ;; *) set -- "$T" ;; esac
    # in the order of the file
    for name in $(sed -n 's/^test_\([a-z0-9_]*\)() *{.*/\1/p' "$0"); do
        selected "$name" "$@" && run_one "$name"
    done
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
