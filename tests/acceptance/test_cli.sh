#!/usr/bin/env bash
# The binary by hand.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cluster.sh"
trap 'cluster_stop; cleanup_all' EXIT

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
P=$PROVIDER_DIR/terraform-provider-kubeflow

test_render_prints_what_kustomize_builds() {
    cp -r "$ROOT/examples/sample" sample
    local file dir
    while read -r file; do
        dir=$(dirname "$file")
        "$P" render "$dir" >ours 2>warnings
        kubectl kustomize "$dir" >theirs 2>/dev/null </dev/null
        cmp ours theirs
    done < <(find sample -name kustomization.yaml)
}

test_render_finds_bases_above() {
    mkdir -p base overlay
    printf 'resources: [cm.yaml]\n' >base/kustomization.yaml
    printf '{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n' >base/cm.yaml
    printf 'resources: [../base]\nnamePrefix: a-\n' >overlay/kustomization.yaml
    "$P" render overlay >out
    assert_contains out "name: a-x"
    # in a tree of its own, what leaves the tree is refused
    refused "$P" render overlay//. 2>err
    (cd "$WORK" && "$P" render .//overlay) >out
    assert_contains out "name: a-x"
}

test_render_json_and_archives() {
    mkdir tree
    printf 'resources: [cm.yaml]\n' >tree/kustomization.yaml
    printf '{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n' >tree/cm.yaml
    tar czf tree.tar.gz tree
    "$P" render tree.tar.gz -o json >out
    assert_equal "$(jq -r '.[0].metadata.name' out)" x
}

test_render_refuses() {
    refused "$P" render 2>err
    assert_contains err "usage:"
    refused "$P" render . -o xml 2>err
    assert_contains err "usage:"
    refused "$P" render missing 2>err
    assert_contains err "missing"
    refused "$P" render katib@9.9 2>err
    assert_contains err "9.9"
    mkdir bad
    printf 'resourcez: [x]\n' >bad/kustomization.yaml
    refused "$P" render bad >out 2>err
    assert_contains err "kustomization.yaml" "resourcez"
    assert_equal "$(wc -c <out)" 0
}

test_components() {
    "$P" components >out
    assert_contains out 1.10.2 26.03
    "$P" components 1.10.2 >out
    assert_contains out katib cert-manager
    refused "$P" components 1.10.3 2>err
    assert_contains err 'did you mean "1.10.2"'
}

# --- status ---------------------------------------------------------------------------------------

# For the tests below: a control plane, made by the first of them.
need_cluster() {
    [ -S "$CLUSTER_DIR/control.sock" ] || cluster_start
    ctl reset >/dev/null
    export KUBE_CONFIG_PATH=$KUBECONFIG_FILE
}

# A Deployment and a ConfigMap in a namespace, as kubeflow_component of the namespace's name each. What
# comes on stdin goes to the end of their kustomizations.
installed() { # namespace...
    local ns end
    end=$(cat)
    cat >main.tf <<HCL
terraform {
  required_providers { kubeflow = { source = "mlops8020/kubeflow" } }
}
HCL
    for ns; do
        mkdir -p "$ns"
        printf 'namespace: %s\nresources: [app.yaml]\n%s\n' "$ns" "$end" >"$ns/kustomization.yaml"
        cat >"$ns/app.yaml" <<YAML
{apiVersion: v1, kind: Namespace, metadata: {name: $ns}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: example.com/web:1}]}
YAML
        cat >>main.tf <<HCL
resource "kubeflow_component" "$ns" {
  provider = kubeflow
  name     = "$ns"
  path     = "$ns"
  on_destroy = { user_data = "delete" }
}
HCL
    done
    apply
}

exits() { # status command...
    local wanted=$1 got=0
    shift
    "$@" >out 2>err || got=$?
    [ "$got" -eq "$wanted" ] || { cat out err; die "\"$*\" ended with $got instead of $wanted"; }
}

test_status_without_a_cluster() {
    unset KUBE_CONFIG_PATH
    exits 2 "$P" status --bogus
    assert_contains err "usage:"
    exits 2 "$P" status one two
    exits 2 "$P" status --config-path
    exits 2 "$P" status
    assert_contains err "nothing says which cluster: give --config-path"
    exits 2 "$P" status --config-path missing
    assert_contains err missing
}

test_status_of_nothing() {
    need_cluster
    exits 1 "$P" status
    assert_contains err "nothing is installed in this cluster"
    exits 1 "$P" status katib
    assert_contains err 'nothing of the name "katib"'
    KUBE_CONFIG_PATH=$CLUSTER_DIR/kubeconfig.nobody exits 2 "$P" status
    assert_contains err forbidden
}

test_status_is_ready_or_says_why() {
    need_cluster
    installed st-one st-two </dev/null
    exits 0 "$P" status # a line for each
    assert_contains out "component-st-one  [####################]   3/3" "component-st-two"
    exits 0 "$P" status st-one
    assert_contains out "st-one (kubeflow-terraform/component-st-one), installed" \
        "namespace st-one  [####################]   2/2" "Namespace" "3 of 3 objects ready"
    unset KUBE_CONFIG_PATH
    exits 0 "$P" status --config-path="$KUBECONFIG_FILE" component-st-two
    exits 2 "$P" status --config-path "$KUBECONFIG_FILE" --context nowhere
    assert_contains err nowhere
    export KUBE_CONFIG_PATH=$KUBECONFIG_FILE

    ctl pull-fail namespace=st-one kind=Deployment name=web message="no such image"
    k -n st-one delete pods --all --wait=false
    eventually says_image
    assert_contains out "2 of 3 objects ready" "namespace st-one  [##########..........]   1/2"
    exits 1 "$P" status
    k -n st-two delete configmap settings
    exits 1 "$P" status st-two
    assert_contains out "2 of 3 objects ready, 1 not there"
    ctl release namespace=st-one kind=Deployment name=web
    destroy
    exits 1 "$P" status
}

says_image() {
    missing "$P" status st-one >out && grep -q 'apps/Deployment/st-one/web: .*pod web-.*: container web: .*no such image' out
}

test_status_by_component() {
    need_cluster
    installed st-many <<<'commonAnnotations: {terraform-provider-kubeflow/component: pages}'
    k -n kubeflow-terraform patch configmap component-st-many --type merge -p \
        '{"data":{"components":"{\"pages\":{\"version\":\"1.2\",\"objects\":4},\"more\":{\"objects\":1}}"}}'
    exits 1 "$P" status
    assert_contains out "pages  [###############.....]   3/4  1.2" "1 that aren't there" \
        "more   [....................]   0/1" "3 of 5 objects ready"
    destroy
}

test_status_shows_the_lock_and_what_is_unfinished() {
    need_cluster
    ctl hold namespace=st-held kind=Deployment name=web message=starting
    installed st-held </dev/null >apply.log 2>&1 &
    local apply=$!
    eventually says_lock
    assert_contains out "unfinished" "at work on it: process"
    ctl release namespace=st-held kind=Deployment name=web
    wait "$apply"
    exits 0 "$P" status st-held
    assert_lacks out "at work on it" "unfinished"
    destroy
}

says_lock() {
    missing "$P" status st-held >out && grep -q 'at work on it: process' out && grep -q 'apps/Deployment/st-held/web: ' out
}

test_status_watches_an_apply() {
    need_cluster
    ctl hold namespace=st-watched kind=Deployment name=web message=starting
    "$P" status --watch st-watched >watched 2>err &
    local watch=$!
    installed st-watched </dev/null >apply.log 2>&1 &
    local apply=$!
    eventually grep -q 'objects ready, unfinished; not ready: apps/Deployment/st-watched/web: ' watched
    ctl release namespace=st-watched kind=Deployment name=web
    wait "$apply"
    wait "$watch" # ends by itself, and well
    assert_contains watched 'nothing of the name "st-watched"' "st-watched: 3 of 3 objects ready"
    assert_lacks watched "$(printf '\033')"
    # on a terminal it draws in place
    script -qec "stty rows 24 cols 60; '$P' status --watch st-watched" typescript >/dev/null </dev/null
    assert_contains typescript "st-watched (kubeflow-terraform/component-st-watched)"
    # Ctrl-C ends it
    ctl hold namespace=st-watched kind=Deployment name=web
    k -n st-watched delete pods --all --wait=false
    eventually missing "$P" status st-watched
    exits 130 timeout -k 10 --preserve-status --foreground -s INT 3 \
        env --default-signal=INT "$P" status --watch st-watched
    ctl release namespace=st-watched kind=Deployment name=web
    destroy
}

run_tests "$@"
