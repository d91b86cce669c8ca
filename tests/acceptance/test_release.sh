#!/usr/bin/env bash
# Components of a real Kubeflow release against a real API server. Where the release can't be had,
# examples/sample, a release in miniature, at least proves the way from a tree.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cluster.sh"

. "$(dirname "$0")/release.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
RELEASE=1.10.2

trap 'cluster_stop; cleanup_all' EXIT
cluster_start

# --- what the tests install ----------------------------------------------------------------------

# main.tf: components of the release by name, each after those before it. Further attributes of the
# last one come on stdin.
config() { # component...
    local name after=
    {
        provider_block
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

objects_of() { state "kubeflow_component.$1" '.attributes.objects | length'; }

tree_of_release() { # unpacks it to tree/
    local archive=${KUBEFLOW_MANIFESTS_MIRROR:-}/manifests-$RELEASE.tar.gz
    mirrored "$RELEASE" || { archive=release.tar.gz && curl -fsSL -o "$archive" "$(archive_of "$RELEASE")"; }
    mkdir tree
    tar -xzf "$archive" -C tree --strip-components=1
}

# --- the quickstart ------------------------------------------------------------------------------

test_quickstart() {
    if without_release "$RELEASE"; then echo "skipped: no release"; return; fi
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
    if without_release "$RELEASE"; then echo "skipped: no release"; return; fi
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
    if without_release "$RELEASE"; then echo "skipped: no release"; return; fi
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
    if without_release "$RELEASE"; then echo "skipped: no release"; return; fi
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
    # an adoption that is refused half-way goes on with the next apply
    ctl fault '{"method":"PATCH","path":"/configmaps/katib-config$","action":"status","code":403}'
    refused tf apply -auto-approve
    assert_contains out "katib-config"
    ctl reset
    tf plan
    assert_contains out "0 to add, 1 to change, 0 to destroy"
    assert_lacks out '"+ '
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
