#!/usr/bin/env bash
# The jobs of examples/ci: what one machine plans, another one applies.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cluster.sh"
. "$(dirname "$0")/release.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
RELEASE=1.10.2
export KUBE_CONFIG_PATH=$KUBECONFIG_FILE

# The provider as init installs it.
provider_mirror() {
    local platform
    platform=$(uname -s | tr '[:upper:]' '[:lower:]')_$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
    install -D "$PROVIDER_DIR/terraform-provider-kubeflow" \
        "$WORK/providers/registry.terraform.io/mlops8020/kubeflow/1.0.0/$platform/terraform-provider-kubeflow_v1.0.0"
    cat >"$TF_CLI_CONFIG_FILE" <<RC
provider_installation {
  filesystem_mirror { path = "$WORK/providers" }
}
RC
}

# A machine of its own: a fresh checkout, an empty home, no cache. The state is in the backend.
checkout() { # directory
    mkdir -p "$1/home"
    cp "$ROOT/examples/ci/main.tf" "$ROOT/examples/ci/ci.sh" "$1/"
    cat >"$1/backend.tf" <<HCL
terraform {
  backend "local" { path = "$WORK/state" }
}
HCL
    cat >"$1/terraform.tfvars" <<HCL
release    = "$RELEASE"
components = ["cert-manager", "dex"]
HCL
}

job() { # checkout command directory -> its status; what it says is in the file `out`
    local status=0
    (cd "$1" && HOME=$PWD/home XDG_CACHE_HOME=$PWD/home/cache ./ci.sh "$2" "$3") >out 2>&1 || status=$?
    [ $status -ne 1 ] || cat out
    return $status
}

expect_status() { # wanted checkout command directory
    local wanted=$1 status=0
    shift
    job "$@" || status=$?
    [ $status -eq "$wanted" ] || { tail -40 out; die "ci.sh $2: status $status instead of $wanted"; }
}

test_jobs_share_a_plan() {
    if without_release $RELEASE; then echo "skipped: no release"; return; fi
    provider_mirror
    k create namespace auth
    k -n auth create secret generic kubeflow-oidc --from-literal=client-secret=of-the-provider

    # a pull request
    checkout planner
    expect_status 2 planner plan "$WORK/artifact"
    assert_contains artifact/summary.md '```diff' "+ cert-manager 1.16.1: " "+ dex "
    [ "$(wc -c <artifact/summary.md)" -lt 65536 ] || die "the summary doesn't fit a comment"
    assert_lacks artifact/summary.md of-the-provider
    missing k get namespace cert-manager

    # main: the plan moves to another machine, the first one is gone
    rm -rf planner
    checkout applier
    expect_status 0 applier apply "$WORK/artifact"
    assert_equal "$(unready)" ""

    # every night
    rm -rf applier
    checkout nightly
    expect_status 0 nightly drift "$WORK/night"
    assert_contains night/summary.md "No changes"
    k -n cert-manager scale deployment cert-manager --replicas=3
    expect_status 2 nightly drift "$WORK/night"
    assert_contains night/summary.md "apps/Deployment/cert-manager/cert-manager" ".spec.replicas: 1 -> 3"

    # a plan that is out of date isn't applied
    checkout late
    expect_status 1 late apply "$WORK/artifact"
    assert_contains out "stale"
}

test_usage() {
    cp "$ROOT/examples/ci/ci.sh" .
    for arguments in "" "plan" "destroy x"; do
        # shellcheck disable=SC2086 # several
        refused ./ci.sh $arguments 2>out
        assert_contains out "ci.sh plan DIR" "ci.sh drift DIR"
    done
}

cluster_start
run_tests "$@"
status=$?
cluster_stop
exit $status
