#!/usr/bin/env bash
# The binary by hand: commands that need no Terraform and no cluster.
. "$(dirname "$0")/lib.sh"

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

run_tests "$@"
