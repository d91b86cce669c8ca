#!/usr/bin/env bash
# kubeflow_profile against a real API server. The profile controller is played here, as far as the
# resource depends on it: it makes a namespace for a Profile, binds its owner, sets its quota, and
# clears its finalizer; and as the real one it does nothing while the namespace notes another owner.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cluster.sh"
. "$(dirname "$0")/release.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
RELEASE=26.03
CONTROLLER_PAUSED=$SCRATCH/paused
controller=
trap '[ -z "$controller" ] || kill "$controller" 2>/dev/null; cluster_stop; cleanup_all' EXIT
cluster_start

# --- the played controller -----------------------------------------------------------------------

# What it makes for a Profile (JSON on stdin), one document.
made_for() {
    jq '{apiVersion, kind, name: .metadata.name, uid: .metadata.uid, controller: true, blockOwnerDeletion: true} as $owner
        | .metadata.name as $name | .spec.owner as $user
        | {apiVersion: "v1", kind: "List", items: ((if .noted then [] else [
            {apiVersion: "v1", kind: "Namespace", metadata: {name: $name, annotations: {owner: $user.name},
                labels: {"istio-injection": "enabled"}, ownerReferences: [$owner]}}] end) + [
            {apiVersion: "v1", kind: "ServiceAccount", metadata: {name: "default-editor", namespace: $name, ownerReferences: [$owner]}},
            {apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding",
                metadata: {name: "namespaceAdmin", namespace: $name, ownerReferences: [$owner]},
                roleRef: {apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "kubeflow-admin"}, subjects: [$user]}]
          + (if (.spec.resourceQuotaSpec.hard // {}) == {} then [] else [
            {apiVersion: "v1", kind: "ResourceQuota", metadata: {name: "kf-resource-quota", namespace: $name, ownerReferences: [$owner]},
                spec: .spec.resourceQuotaSpec}] end))}'
}

reconcile() { # Profile as JSON, with its namespace's note of the owner
    local name owner noted
    name=$(jq -r .metadata.name <<<"$1")
    owner=$(jq -r .spec.owner.name <<<"$1")
    noted=$(jq -r '.noted // .spec.owner.name' <<<"$1")
    if [ "$(jq -r .metadata.deletionTimestamp <<<"$1")" != null ]; then
        k get profile "$name" -o json | jq '.metadata.finalizers -= ["profile-finalizer"]' | k replace -f -
        return
    fi
    [ "$noted" = "$owner" ] || return 0
    made_for <<<"$1" | k apply --server-side --force-conflicts --field-manager=profiles -f -
    # only when it makes the binding does it say whose it is
    [ -n "$(k -n "$name" get rolebinding namespaceAdmin -o 'jsonpath={.metadata.annotations.user}')" ] ||
        k -n "$name" annotate rolebinding namespaceAdmin user="$owner" role=admin
    k patch profile "$name" --type=json \
        -p '[{"op":"test","path":"/metadata/finalizers","value":null},{"op":"add","path":"/metadata/finalizers","value":["profile-finalizer"]}]'
}

# Profiles, each with what its namespace notes, one a line.
profiles() {
    k get profiles,namespaces -o json | jq -c '.items
        | ([.[] | select(.kind == "Namespace") | {(.metadata.name): (.metadata.annotations.owner // "nobody")}] | add) as $noted
        | .[] | select(.kind == "Profile") | del(.metadata.managedFields, .metadata.resourceVersion, .metadata.finalizers)
        | .noted = $noted[.metadata.name]'
}

control() {
    local profile name
    declare -A seen
    trap - EXIT # that is the tests'
    while sleep 0.2; do
        [ ! -e "$CONTROLLER_PAUSED" ] || continue
        while read -r profile; do
            name=$(jq -r .metadata.name <<<"$profile")
            [ "$profile" != "${seen[$name]:-}" ] || continue
            seen[$name]=$profile
            reconcile "$profile"
        done < <(profiles)
    done
}

crds_of() { # component name-pattern
    "$BUILD/terraform-provider-kubeflow" render "$1@$RELEASE" -o json |
        jq --arg name "$2" '[.. | objects | select(.kind == "CustomResourceDefinition" and (.metadata.name | test($name)))]
            | {apiVersion: "v1", kind: "List", items: .}' | k apply --server-side -f -
}

# The kinds that Kubeflow and Istio bring, and the controller; once.
kubeflow() {
    rm -f "$CONTROLLER_PAUSED"
    [ ! -e "$SCRATCH/ready" ] || return 0
    crds_of profiles '^profiles\.'
    crds_of istio-crds '^authorizationpolicies\.'
    crds_of notebook-controller '^notebooks\.'
    for crd in profiles.kubeflow.org notebooks.kubeflow.org authorizationpolicies.security.istio.io; do
        k wait --for=condition=Established "crd/$crd" --timeout=60s
    done
    touch "$SCRATCH/ready"
}

# --- what the tests write ------------------------------------------------------------------------

# main.tf: a profile; further attributes come on stdin.
config() { # name owner [provider attributes]
    {
        provider_block "${@:3}"
        cat <<HCL
resource "kubeflow_profile" "this" {
  name  = "$1"
  owner = "$2"
HCL
        cat
        echo "}"
    } >main.tf
}

team() { # name
    config "$1" owner@example.com <<'HCL'
  contributors   = [{ user = "ann@example.com", role = "edit" }, { user = "Bob.B@example.com", role = "view" }]
  resource_quota = { cpu = "1000m", "requests.nvidia.com/gpu" = "2" }
  labels         = { team = "vision" }
  plugins        = [{ kind = "WorkloadIdentity", spec = jsonencode({ gcpServiceAccount = "a@b.iam" }) }]
HCL
}

profile() { state kubeflow_profile.this ".attributes$1"; }
members() { # namespace
    k -n "$1" get rolebindings -o name | grep -c /user- || true
}
policies() { k -n "$1" get authorizationpolicies -o name | grep -c /user- || true; } # namespace
limit() { k -n "$1" get resourcequota kf-resource-quota -o json | jq -r --arg r "$2" '.spec.hard[$r]'; } # namespace resource

claim() { # namespace
    k -n "$1" create -f - <<YAML
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: workspace}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
YAML
}

# How many requests of a method and path the provider has sent since ctl reset-counts.
sent() { # method path-regex
    ctl requests "{\"method\":\"$1\",\"path\":\"$2\",\"userAgent\":\"^terraform-provider-kubeflow\"}" | jq '.requests | length'
}

# --- without Kubeflow ----------------------------------------------------------------------------

test_a_cluster_without_profiles() {
    [ ! -e "$SCRATCH/ready" ] || return 0
    config early owner@example.com </dev/null
    tf plan
    assert_contains out "1 to add"
    refused tf apply -auto-approve
    assert_contains out "no Profiles" "depends_on" "kubeflow_platform"
    assert_equal "$(jq '.resources | length' terraform.tfstate 2>/dev/null || echo 0)" 0
}

test_bad_input() {
    config Not_A_Label owner@example.com </dev/null
    refused tf validate
    assert_contains out "DNS label"
    config ok "two words" <<'HCL'
  contributors   = [{ user = "*", role = "owner" }]
  resource_quota = { cpu = "plenty" }
  plugins        = [{ kind = "x", spec = "[]" }]
HCL
    refused tf validate
    assert_contains out "without spaces" "must be one of" "must be a quantity" "must be a JSON object"
    config ok system:admin </dev/null
    refused tf validate
    assert_contains out "Kubernetes' own"
    config ok owner@example.com <<'HCL'
  contributors = [{ user = "a.b@example.com", role = "edit" }, { user = "a-b@example.com", role = "edit" }]
HCL
    refused tf validate
    assert_contains out "can't be told apart" "user-a-b-example-com-clusterrole-edit"
}

test_plan_without_a_cluster() {
    config nowhere owner@example.com 'host = "https://127.0.0.1:1"' </dev/null
    tf plan
    assert_contains out "1 to add"
    config nowhere owner@example.com 'config_path = terraform_data.cluster.output' </dev/null
    echo "resource \"terraform_data\" \"cluster\" { input = \"$KUBECONFIG_FILE\" }" >cluster.tf
    tf plan
    assert_contains out "2 to add"
}

# --- the whole life ------------------------------------------------------------------------------

test_life() {
    kubeflow
    team life
    apply
    assert_settled
    assert_equal "$(profile .id)" life
    assert_equal "$(profile .installed)" true
    assert_equal "$(k get namespace life -o 'jsonpath={.metadata.annotations.owner}')" owner@example.com
    assert_equal "$(k get profile life -o 'jsonpath={.metadata.labels.team}')" vision
    assert_equal "$(k get profile life -o 'jsonpath={.spec.plugins[0].spec.gcpServiceAccount}')" a@b.iam
    assert_equal "$(limit life requests.nvidia.com/gpu)" 2
    # as the dashboard makes and finds them
    local name=user-bob-b-example-com-clusterrole-view
    assert_equal "$(k -n life get rolebinding $name -o 'jsonpath={.roleRef.name} {.subjects[0].name} {.metadata.annotations.user} {.metadata.annotations.role}')" \
        "kubeflow-view Bob.B@example.com Bob.B@example.com view"
    assert_equal "$(k -n life get authorizationpolicy $name -o json | jq -c '.spec.rules[0].when, .metadata.annotations.role')" \
        '[{"key":"request.headers[kubeflow-userid]","values":["Bob.B@example.com"]}]
"view"'

    # everything changes in place
    local uid
    uid=$(k get profile life -o 'jsonpath={.metadata.uid}')
    config life new@example.com <<'HCL'
  contributors   = [{ user = "ann@example.com", role = "view" }]
  resource_quota = { cpu = "4" }
HCL
    tf plan
    assert_contains out "0 to add, 1 to change, 0 to destroy"
    apply
    assert_settled
    assert_equal "$(k get profile life -o 'jsonpath={.metadata.uid}')" "$uid"
    assert_equal "$(k get namespace life -o 'jsonpath={.metadata.annotations.owner}')" new@example.com
    assert_equal "$(k -n life get rolebinding namespaceAdmin -o 'jsonpath={.subjects[0].name} {.metadata.annotations.user}')" \
        "new@example.com new@example.com"
    k -n life get rolebinding user-ann-example-com-clusterrole-view
    assert_equal "$(members life) $(policies life)" "1 1"
    assert_equal "$(limit life requests.nvidia.com/gpu)" null
    assert_equal "$(k get profile life -o json | jq -c '[.spec.plugins, .metadata.labels]')" "[null,null]"

    # without a quota there is none; contributors that aren't managed stay
    config life new@example.com </dev/null
    tf plan
    assert_contains out "no longer managed"
    apply
    assert_settled
    eventually missing k -n life get resourcequota kf-resource-quota
    assert_equal "$(members life) $(policies life)" "1 1"
    destroy
    refused k get profile life
    refused k get namespace life
}

test_a_small_change_sends_little() {
    kubeflow
    team little
    apply
    sed -i 's/"edit"/"admin"/' main.tf
    ctl reset-counts
    apply
    assert_equal "$(sent PATCH /profiles/)" 0
    assert_equal "$(sent PATCH '/(rolebindings|authorizationpolicies)/') $(sent DELETE /)" "2 2"
    ctl reset-counts
    apply
    assert_equal "$(sent PATCH /) $(sent DELETE /)" "0 0"
}

# --- drift ---------------------------------------------------------------------------------------

test_drift_is_shown_and_repaired() {
    kubeflow
    team drift
    apply
    k patch profile drift --type=merge -p '{"spec":{"owner":{"name":"thief@example.com"},"resourceQuotaSpec":{"hard":{"cpu":"64","pods":"9"}}},"metadata":{"labels":{"team":"other","more":"1"}}}'
    k -n drift delete rolebinding user-ann-example-com-clusterrole-edit
    k -n drift delete authorizationpolicy user-bob-b-example-com-clusterrole-view
    k -n drift create -f - <<YAML
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: user-eve-example-com-clusterrole-edit, annotations: {user: eve@example.com, role: edit}}
spec: {rules: [{when: [{key: "request.headers[kubeflow-userid]", values: [eve@example.com]}]}]}
YAML
    tf plan
    assert_contains out "0 to add, 1 to change" '"64" -> "1000m"' 'pods' '"other" -> "vision"' \
        'user = "eve@example.com"' 'user = "ann@example.com"' 'user = "Bob.B@example.com"'
    assert_lacks out '"more"'
    apply
    assert_settled
    assert_equal "$(k get profile drift -o 'jsonpath={.spec.owner.name}')" owner@example.com
    assert_equal "$(k get profile drift -o json | jq -c .spec.resourceQuotaSpec.hard)" '{"cpu":"1000m","requests.nvidia.com/gpu":"2"}'
    assert_equal "$(members drift) $(policies drift)" "2 2"
    refused k -n drift get authorizationpolicy user-eve-example-com-clusterrole-edit

    # the same quantity in other words is none
    k patch profile drift --type=merge -p '{"spec":{"resourceQuotaSpec":{"hard":{"cpu":1}}}}'
    assert_settled
    # a Profile that is gone is made again
    k delete profile drift
    tf plan
    assert_contains out "1 to add"
}

# --- what is there already -----------------------------------------------------------------------

by_hand() { # name
    k create -f - <<YAML
apiVersion: kubeflow.org/v1
kind: Profile
metadata: {name: $1, labels: {team: vision}}
spec:
  owner: {kind: User, name: owner@example.com}
  resourceQuotaSpec: {hard: {cpu: 4, memory: 16Gi}}
YAML
    eventually k -n "$1" get rolebinding namespaceAdmin
}

test_import() {
    kubeflow
    by_hand import
    config import owner@example.com <<'HCL'
  resource_quota = { cpu = "4", memory = "16Gi" }
  labels         = { team = "vision" }
HCL
    tf import kubeflow_profile.this import
    assert_settled
    # what it doesn't set is shown, and goes
    config import owner@example.com <<'HCL'
  resource_quota = { cpu = "8" }
HCL
    tf plan
    assert_contains out '"4" -> "8"' '"memory"' '"team"'
    apply
    assert_settled
    assert_equal "$(k get profile import -o json | jq -c '[.spec.resourceQuotaSpec.hard, .metadata.labels]')" '[{"cpu":"8"},null]'
    rm terraform.tfstate
    cat >import.tf <<HCL
import {
  to = kubeflow_profile.this
  id = "import"
}
HCL
    apply
    assert_contains out "1 imported, 0 added, 0 changed"
    rm import.tf terraform.tfstate
    refused tf import kubeflow_profile.this nobody
    assert_contains out "non-existent remote object"
    tf import kubeflow_profile.this import
    destroy
}

test_what_exists_is_adopted_only_when_asked_to() {
    kubeflow
    by_hand there
    config there other@example.com </dev/null
    refused tf apply -auto-approve
    assert_contains out "exists already" "adopt = true" "terraform import"
    config there other@example.com <<<'  adopt = true'
    apply
    assert_settled
    assert_equal "$(k -n there get rolebinding namespaceAdmin -o 'jsonpath={.subjects[0].name}')" other@example.com
    # what isn't set isn't touched
    assert_equal "$(k get profile there -o json | jq -c .spec.resourceQuotaSpec.hard)" '{"cpu":4,"memory":"16Gi"}'

    rm terraform.tfstate
    k create namespace taken
    config taken owner@example.com </dev/null
    refused tf apply -auto-approve
    assert_contains out "Namespace taken exists already" "kubectl annotate namespace taken owner=owner@example.com"
    refused k get profile taken
}

test_fields_of_others_are_taken_only_when_asked_to() {
    kubeflow
    config shared owner@example.com </dev/null
    apply
    k patch profile shared --type=merge --field-manager=somebody -p '{"spec":{"resourceQuotaSpec":{"hard":{"cpu":"64"}}}}'
    assert_settled
    config shared owner@example.com <<<'  resource_quota = { cpu = "2" }'
    refused tf apply -auto-approve
    assert_contains out "somebody" "force_conflicts = true"
    config shared owner@example.com <<'HCL'
  resource_quota  = { cpu = "2" }
  force_conflicts = true
HCL
    apply
    assert_settled
}

# --- what fails and goes on ----------------------------------------------------------------------

test_without_a_controller_then_continued() {
    kubeflow
    touch "$CONTROLLER_PAUSED"
    team slow
    sed -i 's/^}$/&/; $s/^}$/  timeouts { create = "3s" }\n}/' main.tf
    refused tf apply -auto-approve
    assert_contains out "Timed out" "its namespace" "profiles-deployment"
    assert_equal "$(profile .installed)" false
    local uid
    uid=$(k get profile slow -o 'jsonpath={.metadata.uid}')
    rm "$CONTROLLER_PAUSED"
    sed -i '/timeouts/d' main.tf
    tf plan
    assert_contains out "tainted"
    apply
    assert_settled
    assert_equal "$(k get profile slow -o 'jsonpath={.metadata.uid}')" "$uid"
    assert_equal "$(members slow) $(policies slow)" "2 2"
    destroy
}

test_killed_in_a_create() {
    kubeflow
    local fault
    team killed
    fault=$(ctl fault '{"method":"PATCH","path":"/authorizationpolicies/","action":"block"}' | jq .id)
    setsid terraform apply -no-color -auto-approve >out 2>&1 </dev/null &
    terraform_pid=$!
    ctl wait-fault "{\"id\":$fault,\"hits\":1,\"timeoutMs\":60000}"
    kill_providers
    eventually no_provider_process
    ctl unblock
    wait $terraform_pid || true
    find tmp -name plugin.sock -delete
    # Terraform knows nothing of it; the next apply continues what was begun
    assert_equal "$(jq '[.resources[].instances[]] | length' terraform.tfstate 2>/dev/null || echo 0)" 0
    local uid
    uid=$(k get profile killed -o 'jsonpath={.metadata.uid}')
    apply
    assert_settled
    assert_equal "$(k get profile killed -o 'jsonpath={.metadata.uid}')" "$uid"
    assert_equal "$(members killed) $(policies killed)" "2 2"
}

# --- destroying ----------------------------------------------------------------------------------

test_users_data_is_guarded() {
    kubeflow
    config full owner@example.com </dev/null
    apply
    claim full
    k -n full create -f - <<YAML
apiVersion: kubeflow.org/v1
kind: Notebook
metadata: {name: nb}
spec: {template: {spec: {containers: [{name: nb, image: example.com/nb}]}}}
YAML
    k -n full run lone --image=example.com/lone
    refused tf plan -destroy
    assert_contains out "Users' data is in the way" "PersistentVolumeClaim workspace" "Notebook nb" "Pod lone" "on_destroy"
    refused tf destroy -auto-approve
    k get profile full

    # out of Terraform, and still there
    config full owner@example.com <<<'  on_destroy = { user_data = "keep" }'
    apply
    destroy
    k -n full get pvc workspace
    assert_equal "$(jq '.resources | length' terraform.tfstate)" 0

    config full owner@example.com <<<'  on_destroy = { user_data = "delete" }'
    tf import kubeflow_profile.this full
    apply
    destroy
    refused k get namespace full
}

# The last one: the controllers' watches come back with a growing back-off.
test_the_api_server_is_down() {
    kubeflow
    config down owner@example.com </dev/null
    apply
    ctl stop-apiserver
    refused tf plan
    assert_contains out "Can't read profile down"
    ctl start-apiserver
    assert_equal "$(profile .installed)" true
    assert_settled
}

if without_release $RELEASE; then
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
control >"$SCRATCH/controller.log" 2>&1 &
controller=$!
run_tests "$@"
