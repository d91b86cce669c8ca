#!/usr/bin/env bash
# Components of a real Kubeflow release against a real API server. The release comes from
# ../shared/manifests, from the directory in KUBEFLOW_MANIFESTS_MIRROR or from the project's own
# archive on the network; where none of them serves, examples/sample, a release in miniature, at
# least proves the way from a tree.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cluster.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
RELEASE=1.10.2
ARCHIVE=https://github.com/kubeflow/manifests/archive/refs/tags/v$RELEASE.tar.gz

if [ -d "$ROOT/../shared/manifests" ]; then
    KUBEFLOW_MANIFESTS_MIRROR=$(cd "$ROOT/../shared/manifests" && pwd)
    export KUBEFLOW_MANIFESTS_MIRROR
fi
# each release is unpacked only once
export XDG_CACHE_HOME=$SCRATCH/cache

mirrored() { [ -f "${KUBEFLOW_MANIFESTS_MIRROR:-}/manifests-$RELEASE.tar.gz" ]; }
HAS_RELEASE=
if mirrored || curl -fsIL --max-time 10 -o /dev/null "$ARCHIVE" 2>/dev/null; then HAS_RELEASE=yes; fi

# Returns whether the test can't go on.
without_release() {
    [ -z "$HAS_RELEASE" ] || return 1
    [ -z "${CI:-}" ] || die "Kubeflow $RELEASE can't be had: no mirror, no network"
    return 0
}

trap 'cluster_stop; cleanup_all' EXIT
cluster_start

# --- what the tests install ----------------------------------------------------------------------

# main.tf: components of the release by name, each after those before it. Further attributes of the
# last one come on stdin.
config() { # component...
    local name after=
    {
        cat <<HCL
terraform {
  required_providers { kubeflow = { source = "mlops8020/kubeflow" } }
}
provider "kubeflow" {
  config_path = "$KUBECONFIG_FILE"
}
HCL
        for name; do
            echo "resource \"kubeflow_component\" \"${name//-/_}\" {"
            echo "  name    = \"$name\""
            echo "  release = \"$RELEASE\""
            [ -z "$after" ] || echo "  depends_on = [$after]"
            after="${after:+$after, }kubeflow_component.${name//-/_}"
            [ "$name" = "${!#}" ] || echo "}"
        done
        cat
        echo "}"
    } >main.tf
}

quickstart() {
    cp "$ROOT/examples/quickstart/main.tf" .
    export TF_VAR_config_path=$KUBECONFIG_FILE
}

# Namespaces, CRDs and cluster-wide roles by name, as far as Kubernetes itself doesn't keep them.
cluster_wide() {
    for _ in $(seq 300); do # what an earlier test deleted may still be going
        no_namespace_terminates && break
        sleep 0.1
    done
    k get namespaces,crds,clusterroles,clusterrolebindings,validatingwebhookconfigurations,mutatingwebhookconfigurations \
        -o name | grep -vE '/(system:|kube-|default$|admin$|edit$|view$|cluster-admin$)' | sort
}

no_namespace_terminates() { ! k get namespaces --no-headers | grep -q Terminating; }

assert_cluster_is() { # file
    eventually no_namespace_terminates
    eventually missing k get namespace kubeflow-terraform
    cluster_wide >now
    diff "$1" now || die "the cluster isn't as it was"
}

objects_of() { state "kubeflow_component.$1" '.attributes.objects | length'; }

unready() {
    k get deployments -A -o json | jq -r '.items[]
        | select((.status.readyReplicas // 0) != .spec.replicas) | .metadata.name'
}

tree_of_release() { # unpacks it to tree/
    local archive=${KUBEFLOW_MANIFESTS_MIRROR:-}/manifests-$RELEASE.tar.gz
    mirrored || { archive=release.tar.gz && curl -fsSL -o "$archive" "$ARCHIVE"; }
    mkdir tree
    tar -xzf "$archive" -C tree --strip-components=1
}

# --- the quickstart ------------------------------------------------------------------------------

test_quickstart() {
    if without_release; then echo "skipped: no release"; return; fi
    cluster_wide >before
    quickstart
    ctl reset-counts
    apply
    assert_contains out "Resources: 4 added" "objects"

    # one request for each object: what was sent twice would show
    local total
    total=$(jq '[.resources[].instances[].attributes.objects | length] | add' terraform.tfstate)
    assert_equal "$((total - $(objects_of istio_crds)))" 80
    assert_equal "$(objects_of istio_crds)" 14
    ctl requests '{"method":"PATCH"}' >sent
    jq -r '.requests[] | select(.status < 300) | .path' sent | grep -v /kubeflow-terraform | sort >paths
    assert_equal "$(wc -l <paths)" "$total"
    assert_equal "$(uniq -d paths)" ""
    assert_equal "$(unready)" ""

    # a refresh lists, and lists only metadata
    ctl reset-counts
    assert_settled
    jq -r '.resources[] | select(.type == "kubeflow_component") | .instances[].attributes.objects | keys[]' \
        terraform.tfstate | sed 's|.*/||' | sort -u >names
    ctl requests '{"method":"GET"}' | jq -r '.requests[].path' | grep -v '/kubeflow-terraform' | sed 's|.*/||' |
        grep -vx -e kube-system | grep -xFf names >single || true
    [ ! -s single ] || { cat single; die "objects were read one by one"; }
    ctl requests | jq -e '[.requests[] | .bytesOut] | add < 1000000' >/dev/null || die "a refresh reads too much"

    destroy
    assert_cluster_is before
}

test_operators() {
    if without_release; then echo "skipped: no release"; return; fi
    cluster_wide >before
    config istio-crds kubeflow-namespace notebook-controller training-operator </dev/null
    apply
    assert_settled
    assert_equal "$(unready)" ""
    k get crd notebooks.kubeflow.org pytorchjobs.kubeflow.org
    destroy
    assert_cluster_is before
}

# --- settings of a component ---------------------------------------------------------------------

jsonpath() { k -n kubeflow get deployment katib-ui -o "jsonpath=$1"; }

test_settings_and_drift() {
    if without_release; then echo "skipped: no release"; return; fi
    cluster_wide >before
    config cert-manager istio-crds kubeflow-namespace katib <<'HCL'
  patches = [{
    target = { kind = "Deployment", name = "katib-ui" }
    patch  = yamlencode([{ op = "add", path = "/spec/replicas", value = 2 }])
  }]
  image_mirrors = { "ghcr.io/" = "registry.example.com/ghcr/", "docker.io/" = "registry.example.com/hub/" }
  ignore_fields = [{
    target = { kind = "Deployment", name = "katib-controller" }
    fields = [".spec.replicas"]
  }]
  on_destroy = { user_data = "delete" }
HCL
    apply
    assert_settled
    assert_equal "$(jsonpath '{.spec.replicas} {.status.readyReplicas}')" "2 2"
    jsonpath '{.spec.template.spec.containers[0].image}' | grep -q '^registry.example.com/' || die "no mirror"
    k -n kubeflow get deployment katib-controller -o json --show-managed-fields >controller.json
    jq -e '[.metadata.managedFields[] | select(.fieldsV1["f:spec"]["f:replicas"])] | length == 0' controller.json ||
        die "an ignored field was set"

    k -n kubeflow scale deployment katib-controller --replicas=3
    assert_settled
    k -n kubeflow scale deployment katib-ui --replicas=1
    tf plan
    assert_contains out "apps/Deployment/kubeflow/katib-ui" ".spec.replicas: 2 -> 1 (by kubectl"
    assert_lacks out "katib-controller .spec.replicas"
    apply
    assert_settled
    assert_equal "$(jsonpath '{.spec.replicas}')" 2
    assert_equal "$(k -n kubeflow get deployment katib-controller -o 'jsonpath={.spec.replicas}')" 3

    # a field of a CRD
    k patch crd experiments.kubeflow.org --type=json \
        -p '[{"op":"replace","path":"/spec/names/categories","value":["none"]}]'
    tf plan
    assert_contains out "CustomResourceDefinition/experiments.kubeflow.org" ".spec.names.categories" \
        '-> "none" (by kubectl'
    apply
    assert_settled
    destroy
    assert_cluster_is before
}

# --- import --------------------------------------------------------------------------------------

# As the release's README has it: again and again until everything is there.
kubectl_install() { # directory...
    local _
    for _ in $(seq 20); do
        for dir; do kubectl kustomize "tree/$dir" 2>/dev/null | k apply --server-side --force-conflicts -f - || break; done &&
            return
        sleep 0.5
    done >kubectl.out 2>&1
    tail kubectl.out
    die "kubectl doesn't install it"
}

test_import_of_what_kubectl_installed() {
    if without_release; then echo "skipped: no release"; return; fi
    tree_of_release
    config cert-manager istio-crds kubeflow-namespace </dev/null
    apply
    kubectl_install applications/katib/upstream/installs/katib-with-kubeflow
    k -n kubeflow rollout status deployment/katib-controller --timeout=20s
    k -n kubeflow get pods -o 'jsonpath={.items[*].metadata.uid}' >pods.before

    config cert-manager istio-crds kubeflow-namespace katib <<<'  on_destroy = { user_data = "delete" }'
    tf import kubeflow_component.katib "katib@$RELEASE"
    tf plan
    assert_contains out "kubeflow_component.katib will be updated in-place" "0 to add, 1 to change, 0 to destroy" \
        "= 30 objects are as wanted; only a label is added"
    apply
    assert_settled
    k -n kubeflow get pods -o 'jsonpath={.items[*].metadata.uid}' >pods.after
    cmp pods.before pods.after || die "pods were restarted"

    # what others installed is released, not deleted
    destroy -target=kubeflow_component.katib
    k -n kubeflow get deployment katib-controller -o json >released.json
    jq -e '.metadata.labels["applyset.kubernetes.io/part-of"] == null' released.json
    k get crd experiments.kubeflow.org
    kubectl kustomize tree/applications/katib/upstream/installs/katib-with-kubeflow 2>/dev/null |
        k delete --ignore-not-found -f - >/dev/null
    destroy
}

# --- without a release ---------------------------------------------------------------------------

test_sample() {
    cluster_wide >before
    config </dev/null
    sed -i '$d' main.tf
    cat >>main.tf <<HCL
resource "kubeflow_component" "sample" {
  name       = "sample"
  path       = "$ROOT/examples/sample//example"
  on_destroy = { user_data = "delete" }
}
HCL
    apply
    assert_settled
    destroy
    assert_cluster_is before
}

run_tests "$@"
