#!/usr/bin/env bash
# Destroying a platform in which people have worked, against a real API server.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cluster.sh"
. "$(dirname "$0")/release.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
RELEASE=26.03
trap 'cluster_stop; cleanup_all' EXIT
cluster_start

# main.tf: a platform of a few components; on_destroy and the like come on stdin.
config() { # components (HCL list)
    {
        provider_block
        cat <<HCL
resource "kubeflow_platform" "this" {
  release             = "$RELEASE"
  allow_default_login = true
  components          = $1
  existing            = ["istio-install", "kubeflow-istio-resources", "oauth2-proxy", "knative"]
HCL
        cat
        echo "}"
    } >main.tf
}

# A team with its namespace, as the profile controller makes it, and what people and controllers have
# in it.
work() {
    k create -f - <<YAML
apiVersion: kubeflow.org/v1
kind: Profile
metadata: {name: team}
spec: {owner: {kind: User, name: ml@example.com}}
YAML
    k create -f - <<YAML
apiVersion: v1
kind: Namespace
metadata:
  name: team
  ownerReferences:
  - {apiVersion: kubeflow.org/v1, kind: Profile, name: team, uid: $(k get profile team -o 'jsonpath={.metadata.uid}'),
     controller: true, blockOwnerDeletion: true}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: workspace, namespace: team}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: kubeflow.org/v1
kind: Notebook
metadata: {name: nb, namespace: team}
spec: {template: {spec: {containers: [{name: nb, image: example.com/nb}]}}}
YAML
}

test_users_work_is_refused_then_deleted() {
    if without_release $RELEASE; then echo "skipped: no release"; return; fi
    local components='["profiles", "notebook-controller", "dex"]'
    cluster_wide >before
    config "$components" </dev/null
    apply
    work
    # as Dex makes them when it starts
    k get crd authcodes.dex.coreos.com -o json | jq 'del(.metadata.uid, .metadata.resourceVersion,
        .metadata.managedFields, .metadata.labels, .metadata.annotations, .status)
        | .metadata.name = "refreshtokens.dex.coreos.com" | .spec.names = {kind: "RefreshToken",
        listKind: "RefreshTokenList", plural: "refreshtokens", singular: "refreshtoken"}' | k create -f -

    refused tf plan -destroy
    assert_contains out "Notebook/team/nb" "Profile/team" "on_destroy"
    refused tf destroy -auto-approve
    k -n kubeflow get deployment notebook-controller-deployment
    k -n team get notebook nb

    config "$components" <<<'  on_destroy = { crds = "delete", user_data = "delete" }'
    apply
    ctl reset-counts
    destroy
    assert_cluster_is before
    # while its controller was there: before the first Deployment
    ctl requests '{"method":"DELETE"}' | jq -r '.requests[].path' >deleted
    [ "$(grep -n '/notebooks/nb$' deleted | cut -d: -f1)" -lt "$(grep -n '/profiles/team$' deleted | cut -d: -f1)" ]
    [ "$(grep -n '/profiles/team$' deleted | cut -d: -f1)" -lt "$(grep -n '/deployments/' deleted | head -1 | cut -d: -f1)" ]
}

# The claim of a database stays, and the password that it was made with; both are taken up again.
test_a_kept_database_keeps_its_password() {
    if without_release $RELEASE; then echo "skipped: no release"; return; fi
    password() { k -n kubeflow get secret katib-mysql-secrets -o 'jsonpath={.data.MYSQL_ROOT_PASSWORD}'; }
    cluster_wide >before
    config '["katib"]' <<<'  on_destroy = { crds = "delete", user_data = "keep" }'
    apply
    local before
    before=$(password)
    [ "$(base64 -d <<<"$before" | wc -c)" -eq 32 ] || die "no password of ours"
    destroy
    k -n kubeflow get pvc katib-mysql
    assert_equal "$(password)" "$before"
    refused k -n kubeflow get deployment katib-mysql
    # nothing else of it: neither certificates nor what Istio's part of the tests' cluster makes
    assert_equal "$(k -n kubeflow get secrets -o name)" "secret/katib-mysql-secrets"

    config '["katib"]' <<HCL
  adopt      = true
  on_destroy = { crds = "delete", user_data = "delete", adopted = "delete" }
HCL
    apply
    assert_equal "$(password)" "$before"
    assert_settled
    destroy
    assert_cluster_is before
}

# As the controller does it: what else holds the profile stays.
clear_finalizer() { # profile
    k get profile "$1" -o json | jq '.metadata.finalizers -= ["profile-finalizer"]' | k replace -f -
}

test_a_finalizer_is_named() {
    if without_release $RELEASE; then echo "skipped: no release"; return; fi
    cluster_wide >before
    config '["profiles"]' <<HCL
  on_destroy = { crds = "delete", user_data = "delete" }
  timeouts { delete = "10s" }
HCL
    apply
    work 2>/dev/null || true # no notebooks here
    k patch profile team --type=merge -p '{"metadata":{"finalizers":["profile-finalizer"]}}'
    refused tf destroy -auto-approve
    assert_contains out "Profile/team" "profile-finalizer" "Deployment kubeflow/profiles-deployment"
    k -n kubeflow get deployment profiles-deployment
    eventually clear_finalizer team
    sed -i 's/"10s"/"10m"/' main.tf
    apply
    destroy
    assert_cluster_is before
}

run_tests "$@"
