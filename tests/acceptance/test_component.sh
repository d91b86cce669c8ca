#!/usr/bin/env bash
# kubeflow_component against a real API server, driven by a real Terraform.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cluster.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
trap 'cluster_stop; cleanup_all' EXIT
cluster_start

# --- what the tests install ----------------------------------------------------------------------

# A small application in app/: namespace, generated ConfigMap, Deployment, Service. Its namespace is
# the test's.
app() {
    mkdir -p app
    cat >app/kustomization.yaml <<YAML
namespace: $NS
resources: [app.yaml]
configMapGenerator:
- name: settings
  literals: [colour=${COLOUR:-blue}]
YAML
    cat >app/app.yaml <<YAML
apiVersion: v1
kind: Namespace
metadata: {name: $NS}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${REPLICAS:-1}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.com/web:${TAG:-1}
        envFrom: [{configMapRef: {name: settings}}]
        resources: {limits: {cpu: 1000m, memory: 1024Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}]
YAML
}

# More resources into the application.
also() {
    cat >"app/$1.yaml"
    sed -i "s/^resources: \[/resources: [$1.yaml, /" app/kustomization.yaml
}

# main.tf: the provider and one component; further attributes come on stdin.
config() { # [provider attributes]
    {
        provider_block "$@"
        cat <<HCL
resource "kubeflow_component" "app" {
  name = "$NS"
  path = "app"
HCL
        cat
        echo "}"
    } >main.tf
}

# What was to fail early may take its time from here on.
patient() { sed -i '/^  timeouts {.*}$/d' main.tf; }

# The usual start of a test.
installed() {
    app
    config </dev/null
    apply
    assert_settled
}

# Terraform in the background in a session of its own, as a person's terminal would have it.
start_apply() {
    setsid terraform apply -no-color -auto-approve >out 2>&1 </dev/null &
    terraform_pid=$!
}

kill_provider() {
    eventually any_provider_process
    kill_providers
    sleep 0.2
    find tmp -name plugin.sock -delete # nobody is left to do it
}
any_provider_process() { [ -n "$(provider_processes)" ]; }

block() { # method path [after]
    ctl fault "{\"method\":\"$1\",\"path\":\"$2\",\"action\":\"block\",\"after\":${3:-0}}" | jq .id
}

# --- the whole life ------------------------------------------------------------------------------

test_life() {
    NS=life installed
    assert_equal "$(state kubeflow_component.app .attributes.installed)" true
    assert_equal "$(state kubeflow_component.app '.attributes.objects | length')" 4
    assert_equal "$(state kubeflow_component.app .attributes.id)" kubeflow-terraform/component-life
    assert_equal "$(k -n life get deployment web -o 'jsonpath={.status.readyReplicas}')" 1

    NS=life REPLICAS=2 COLOUR=red app
    tf plan
    assert_contains out "~ apps/Deployment/life/web .spec.replicas: 1 -> 2" "~ ConfigMap/life/settings-" \
        " (was settings-"
    apply
    assert_settled
    assert_equal "$(k -n life get deployment web -o 'jsonpath={.spec.replicas}')" 2
    assert_equal "$(k -n life get configmap -o name | grep -c settings)" 1

    destroy
    assert_nothing_left component-life
    refused k get namespace life
    eventually missing k get namespace kubeflow-terraform
}

test_drift_is_named_and_repaired() {
    NS=drift installed
    k -n drift scale deployment web --replicas=3
    tf plan
    assert_contains out ".spec.replicas: 1 -> 3 (by kubectl" "set back"
    apply
    assert_settled
    assert_equal "$(k -n drift get deployment web -o 'jsonpath={.spec.replicas}')" 1

    k -n drift delete service web
    tf plan
    assert_contains out "! Service/drift/web deleted"
    apply
    assert_settled
    k -n drift get service web

    # a value changed under our own manager's name
    k -n drift patch deployment web --field-manager=terraform-provider-kubeflow \
        -p '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.com/other:1"}]}}}}'
    tf plan
    assert_contains out '.spec.template.spec.containers[name=web].image: "example.com/web:1" -> "example.com/other:1"'
    apply
    assert_settled

    # changed and changed back: no drift
    k -n drift scale deployment web --replicas=3
    k -n drift scale deployment web --replicas=1
    assert_settled

    k -n drift label service web applyset.kubernetes.io/part-of-
    tf plan
    assert_contains out "it lost the label"
    apply
    assert_settled
    destroy
    assert_nothing_left component-drift
}

test_what_others_add_is_no_drift() {
    NS=others installed
    k -n others annotate deployment web example.com/note=1
    k -n others label service web team=a
    k -n others patch deployment web --type=json \
        -p '[{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"sidecar","image":"example.com/s:1"}}]'
    assert_settled
    assert_equal "$(state kubeflow_component.app '.attributes.drift | length')" 0
    destroy
}

test_a_mutating_webhook_is_no_drift() {
    NS=mutate app
    also hook <<YAML
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: mutate}
webhooks:
- name: web.mutate.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {service: {name: web, namespace: mutate, port: 80, path: /x}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [services, secrets]}]
  objectSelector: {matchLabels: {mutated: "yes"}}
YAML
    also late <<YAML
apiVersion: v1
kind: Service
metadata: {name: late, labels: {mutated: "yes"}}
spec: {clusterIP: None, ports: [{port: 1}]}
YAML
    NS=mutate config </dev/null
    ctl webhook '{"namespace":"mutate","service":"web","mode":"mutate","labels":{"injected":"true"}}'
    apply
    assert_settled
    assert_equal "$(k -n mutate get service late -o 'jsonpath={.metadata.labels.injected}')" true
    destroy
    ctl reset
    assert_nothing_left component-mutate
}

# --- planning without a cluster ------------------------------------------------------------------

test_plan_with_an_unreachable_cluster() {
    NS=unreachable app
    NS=unreachable config 'host = "https://127.0.0.1:1"' <<HCL
  timeouts { create = "3s" }
HCL
    tf plan
    assert_contains out 'apps/Deployment/unreachable/web' '+ unreachable: 4 objects'
    refused tf apply -auto-approve
    assert_contains out "127.0.0.1:1"
    assert_equal "$(jq '.resources | length' terraform.tfstate 2>/dev/null || echo 0)" 0
}

test_plan_with_an_unknown_cluster() {
    NS=unknown app
    NS=unknown config 'config_path = terraform_data.cluster.output' </dev/null
    echo "resource \"terraform_data\" \"cluster\" { input = \"$KUBECONFIG_FILE\" }" >cluster.tf
    tf plan
    assert_contains out 'apps/Deployment/unknown/web'
    apply
    assert_settled
    # unknown again, for something that is installed: state is kept, the cluster is looked at again
    cp "$KUBECONFIG_FILE" copy
    echo "resource \"terraform_data\" \"cluster\" { input = \"$PWD/copy\" }" >cluster.tf
    tf plan
    assert_contains out "cluster_uid"
    apply
    assert_settled
    assert_equal "$(k -n unknown get deployment web -o 'jsonpath={.metadata.generation}')" 1
    destroy
    assert_nothing_left component-unknown
}

test_a_saved_plan_is_applied_elsewhere() {
    NS=saved app
    NS=saved config </dev/null
    tf plan -out=plan.bin
    mkdir elsewhere
    cp -r plan.bin main.tf app elsewhere/
    (
        cd elsewhere
        XDG_CACHE_HOME=$PWD/cache tf apply plan.bin
    ) || die "$(cat elsewhere/out)"
    cp elsewhere/terraform.tfstate .
    assert_settled
    # what was planned is what is applied: a changed directory is refused
    NS=saved COLOUR=red app
    tf plan -out=plan.bin
    NS=saved COLOUR=green app
    refused tf apply plan.bin
    assert_contains out "inconsistent final plan" # Terraform's own words: it plans again first
    image_is saved example.com/web:1
    NS=saved app
    destroy
}

# --- what fails and goes on ----------------------------------------------------------------------

test_the_api_server_is_down() {
    NS=down installed
    ctl stop-apiserver
    NS=down REPLICAS=2 app
    refused tf plan
    assert_contains out "Can't read what is installed"
    ctl start-apiserver
    assert_equal "$(state kubeflow_component.app .attributes.installed)" true
    apply # takes half a minute: the controller manager's watches come back with a growing back-off
    assert_settled
    destroy
}

test_never_ready_then_mended() {
    NS=mended app
    NS=mended config <<HCL
  timeouts { create = "12s" }
HCL
    ctl crash '{"namespace":"mended","kind":"Deployment","name":"web","message":"no database"}'
    refused tf apply -auto-approve
    assert_contains out "apps/Deployment/mended/web" "CrashLoopBackOff" "no database" "kubectl -n mended"
    assert_equal "$(state kubeflow_component.app .attributes.installed)" false
    local service deployment
    service=$(uid_of mended service/web) deployment=$(uid_of mended deployment/web)
    ctl release '{"namespace":"mended"}'
    patient
    apply
    assert_settled
    assert_equal "$(uid_of mended service/web)" "$service"
    assert_equal "$(uid_of mended deployment/web)" "$deployment"
    assert_equal "$(state kubeflow_component.app .attributes.installed)" true
    destroy
    assert_nothing_left component-mended
}

test_an_unfinished_create_can_be_destroyed() {
    NS=halfway app
    NS=halfway config <<HCL
  timeouts { create = "3s" }
HCL
    ctl hold '{"namespace":"halfway","kind":"Deployment","name":"web"}'
    refused tf apply -auto-approve
    ctl reset
    destroy
    assert_nothing_left component-halfway
    refused k get namespace halfway
}

# Terraform has dropped it from the state when the create that continues it fails before it begins.
test_a_second_failed_attempt_loses_nothing() {
    NS=twice app
    NS=twice config <<HCL
  timeouts { create = "3s" }
HCL
    ctl hold '{"namespace":"twice","kind":"Deployment","name":"web"}'
    refused tf apply -auto-approve
    ctl reset
    also unserved <<YAML
apiVersion: example.com/v1
kind: Nowhere
metadata: {name: nothing}
YAML
    refused tf apply -auto-approve
    assert_contains out "Nowhere"
    assert_equal "$(state kubeflow_component.app .attributes.installed)" false
    k -n twice get deployment web
    destroy
    assert_nothing_left component-twice
    refused k get namespace twice
}

test_a_record_that_cant_be_written() {
    NS=unrecorded app
    NS=unrecorded config <<HCL
  timeouts { create = "3s" }
HCL
    ctl hold '{"namespace":"unrecorded","kind":"Deployment","name":"web"}'
    refused tf apply -auto-approve
    ctl reset
    ctl fault '{"method":"PATCH","path":"/configmaps/component-unrecorded$","action":"status","code":403}'
    refused tf apply -auto-approve
    assert_contains out "recording what is installed"
    ctl reset
    destroy
    assert_lacks out "Nothing is removed"
    assert_nothing_left component-unrecorded
    refused k get namespace unrecorded
}

test_an_update_that_fails_is_continued() {
    NS=upfail installed
    ctl hold '{"namespace":"upfail","kind":"Deployment","name":"web"}'
    NS=upfail TAG=2 app
    NS=upfail config <<HCL
  timeouts { update = "8s" }
HCL
    refused tf apply -auto-approve
    assert_contains out "apps/Deployment/upfail/web"
    ctl reset
    patient
    tf plan
    assert_contains out "continues it"
    apply
    assert_settled
    destroy
}

test_interrupted_by_ctrl_c() {
    NS=ctrlc app
    NS=ctrlc config </dev/null
    ctl hold '{"namespace":"ctrlc","kind":"Deployment","name":"web"}'
    start_apply
    eventually k -n ctrlc get deployment web
    kill -INT -- -$terraform_pid
    wait $terraform_pid && die "an interrupted apply succeeded"
    assert_contains out "interrupted"
    assert_equal "$(state kubeflow_component.app .attributes.installed)" false
    local deployment
    deployment=$(uid_of ctrlc deployment/web)
    ctl reset
    apply
    assert_settled
    assert_equal "$(uid_of ctrlc deployment/web)" "$deployment"
    destroy
    assert_nothing_left component-ctrlc
}

test_killed_in_create() {
    NS=killcreate app
    NS=killcreate config </dev/null
    ctl hold '{"namespace":"killcreate","kind":"Deployment","name":"web"}'
    start_apply
    eventually k -n killcreate get deployment web
    kill_provider
    wait $terraform_pid && die "an apply whose provider was killed succeeded"
    ctl reset
    local deployment
    deployment=$(uid_of killcreate deployment/web)
    apply
    assert_settled
    assert_equal "$(uid_of killcreate deployment/web)" "$deployment"
    destroy
    assert_nothing_left component-killcreate
}

test_killed_in_create_then_other_content() {
    NS=killother app
    also extra <<YAML
apiVersion: v1
kind: ServiceAccount
metadata: {name: extra}
YAML
    NS=killother config </dev/null
    ctl hold '{"namespace":"killother","kind":"Deployment","name":"web"}'
    start_apply
    eventually k -n killother get serviceaccount extra
    eventually k -n killother get deployment web
    kill_provider
    wait $terraform_pid && die "an apply whose provider was killed succeeded"
    ctl reset
    rm app/extra.yaml
    NS=killother app
    apply
    assert_settled
    refused k -n killother get serviceaccount extra # nothing orphaned
    destroy
    assert_nothing_left component-killother
}

killed_in_update() { # namespace
    NS=$1 installed
    NS=$1 TAG=2 COLOUR=red app
    also extra <<YAML
apiVersion: v1
kind: ServiceAccount
metadata: {name: extra}
YAML
    ctl hold "{\"namespace\":\"$1\",\"kind\":\"Deployment\",\"name\":\"web\"}"
    start_apply
    eventually k -n "$1" get serviceaccount extra
    eventually image_is "$1" example.com/web:2
    kill_provider
    wait $terraform_pid && die "an apply whose provider was killed succeeded"
    ctl reset
}
image_is() { [ "$(k -n "$1" get deployment web -o 'jsonpath={.spec.template.spec.containers[0].image}')" = "$2" ]; }

test_killed_in_update() {
    killed_in_update killupdate
    apply
    assert_settled
    image_is killupdate example.com/web:2
    assert_equal "$(k -n killupdate get configmap -o name | grep -c settings)" 1
    destroy
    assert_nothing_left component-killupdate
}

test_killed_in_update_then_reverted() {
    killed_in_update killrevert
    rm app/extra.yaml
    NS=killrevert app
    apply
    assert_settled
    image_is killrevert example.com/web:1
    refused k -n killrevert get serviceaccount extra
    assert_equal "$(k -n killrevert get configmap -o name | grep -c settings)" 1
    destroy
    assert_nothing_left component-killrevert
}

# What is being deleted is waited for, and then made anew, with all that it takes along.
test_a_namespace_that_is_being_deleted() {
    NS=going installed
    k create -f - <<YAML
apiVersion: v1
kind: ConfigMap
metadata: {name: sticky, namespace: going, finalizers: [example.com/stays]}
YAML
    k delete namespace going --wait=false
    start_apply
    eventually grep -q "Still modifying\|Modifying" out
    sleep 2
    k -n going patch configmap sticky --type=merge -p '{"metadata":{"finalizers":null}}'
    wait $terraform_pid || die "$(cat out)"
    assert_settled
    k -n going get deployment web
    destroy
    assert_nothing_left component-going
}

test_an_object_that_never_goes() {
    NS=stuck app
    also account <<YAML
apiVersion: v1
kind: ServiceAccount
metadata: {name: account, finalizers: [example.com/stays]}
YAML
    NS=stuck config <<HCL
  timeouts {
    update = "5s"
    delete = "5s"
  }
HCL
    apply
    refused tf destroy -auto-approve
    assert_contains out "ServiceAccount/stuck/account" "example.com/stays" "by hand"
    refused tf apply -auto-approve
    assert_contains out "ServiceAccount/stuck/account" "is being deleted" "example.com/stays"
    k -n stuck patch serviceaccount account --type=merge -p '{"metadata":{"finalizers":null}}'
    sed -i 's/, finalizers: .example.com.stays.//' app/account.yaml
    NS=stuck config </dev/null
    apply
    assert_settled
    destroy
    assert_nothing_left component-stuck
}

test_what_is_deleted_while_it_is_waited_for() {
    NS=deleted app
    NS=deleted config </dev/null
    ctl hold '{"namespace":"deleted","kind":"Deployment","name":"web"}'
    start_apply
    eventually k -n deleted get deployment web
    sleep 1
    k -n deleted delete deployment web
    ctl reset
    wait $terraform_pid || die "$(cat out)"
    assert_settled
    destroy
    assert_nothing_left component-deleted
}

# --- replacement ---------------------------------------------------------------------------------

test_a_users_replace_is_a_real_one() {
    NS=replace installed
    local service
    service=$(uid_of replace service/web)
    apply -replace=kubeflow_component.app
    assert_settled
    [ "$(uid_of replace service/web)" != "$service" ] || die "nothing was replaced"
    destroy
}

test_create_before_destroy() {
    NS=cbd app
    NS=cbd config <<HCL
  timeouts { create = "8s" }
  lifecycle { create_before_destroy = true }
HCL
    ctl hold '{"namespace":"cbd","kind":"Deployment","name":"web"}'
    refused tf apply -auto-approve
    ctl reset
    patient
    local service
    service=$(uid_of cbd service/web)
    apply
    assert_settled
    assert_equal "$(uid_of cbd service/web)" "$service" # the deposed one's delete removed nothing
    destroy
    assert_nothing_left component-cbd
}

test_another_name_moves_the_installation() {
    NS=oldname installed
    NS=newname app
    sed -i 's/name = "oldname"/name = "newname"/' main.tf
    apply
    assert_settled
    assert_nothing_left component-oldname
    destroy
    assert_nothing_left component-newname
}

# The new name's set has taken the Deployment: what it made isn't the old set's to sweep up.
test_what_lives_on_keeps_what_it_has_made() {
    NS=istio-system app
    sed -i 's/name: web, labels/name: istiod, labels/' app/app.yaml
    NS=istio-system config <<HCL
  lifecycle { create_before_destroy = true }
HCL
    apply
    k -n default create configmap istio-ca-root-cert --from-literal=root-cert.pem=x
    sed -i 's/name = "istio-system"/name = "other"\n  adopt = true/' main.tf
    apply
    assert_settled
    k -n default get configmap istio-ca-root-cert
    k -n istio-system get deployment istiod
    destroy
    k delete namespace istio-system --ignore-not-found --wait=false
    k -n default delete configmap istio-ca-root-cert --ignore-not-found
}

# --- whose is it ---------------------------------------------------------------------------------

test_a_state_that_isnt_the_installations() {
    NS=strangers installed
    cp terraform.tfstate right.tfstate
    sed -i 's/"install_id": "[^"]*"/"install_id": "somebody-elses"/' terraform.tfstate
    tf plan -destroy
    assert_contains out "Nothing is removed from the cluster" "kubeflow-terraform/component-strangers" \
        "somebody-elses" "import it"
    tf destroy -auto-approve
    assert_contains out "Nothing is removed from the cluster"
    k -n strangers get deployment web
    mv right.tfstate terraform.tfstate
    destroy
    assert_nothing_left component-strangers
}

test_an_installation_that_was_taken_over() {
    NS=contested installed
    mkdir other
    sed 's/^  name = .*/&\n  adopt = true/' main.tf >other/main.tf
    cp -r app other/
    terraform -chdir=other apply -no-color -auto-approve >out 2>&1 || { cat out; die "not taken over"; }
    NS=contested REPLICAS=2 app
    refused tf apply -auto-approve
    assert_contains out "was taken over by another configuration" "adopt = true"
    assert_equal "$(k -n contested get deployment web -o 'jsonpath={.spec.replicas}')" 1
    destroy # leaves what isn't its own
    k -n contested get deployment web
    terraform -chdir=other destroy -no-color -auto-approve >out 2>&1 || { cat out; die "not removed"; }
    k delete namespace contested --ignore-not-found --wait=false
}

# Objects whose kind is on no list any more are found by what was applied.
test_the_record_was_deleted() {
    NS=unlisted app
    also account <<YAML
apiVersion: v1
kind: ServiceAccount
metadata: {name: extra}
YAML
    NS=unlisted config </dev/null
    apply
    k -n kubeflow-terraform delete configmap component-unlisted
    sed -i 's/account.yaml, //' app/kustomization.yaml
    apply
    assert_settled
    refused k -n unlisted get serviceaccount extra
    destroy
    assert_nothing_left component-unlisted
}

# Whoever made the namespace of our records has put rights into it.
test_a_namespace_for_records_that_was_there() {
    k delete namespace kubeflow-terraform --ignore-not-found
    k create namespace kubeflow-terraform
    NS=guest installed
    destroy
    k get namespace kubeflow-terraform
    k delete namespace kubeflow-terraform
}

test_somebody_elses_object_is_in_the_way() {
    NS=foreign app
    NS=foreign config </dev/null
    k create namespace foreign
    k -n foreign create service clusterip web --tcp=80:8080
    refused tf apply -auto-approve
    assert_contains out "Service/foreign/web" "Namespace/foreign" "exist already" "kubectl" "adopt = true" \
        "Nothing was written"
    refused k -n foreign get deployment web
    NS=foreign config <<HCL
  adopt = true
  force_conflicts = true
HCL
    apply
    assert_settled
    destroy
    k -n foreign get service web # adopted: released, not deleted
    assert_equal "$(k -n foreign get service web -o 'jsonpath={.metadata.labels.applyset\.kubernetes\.io/part-of}')" ""
    refused k -n foreign get deployment web
    k delete namespace foreign --wait=false
}

test_conflicts_name_field_and_owner() {
    NS=conflict installed
    # another manager takes a field that we have never set
    k -n conflict apply --server-side --field-manager=autoscaler -f - <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: conflict}
spec: {minReadySeconds: 5}
YAML
    sed -i 's/  replicas: 1/  replicas: 1\n  minReadySeconds: 1/' app/app.yaml
    refused tf apply -auto-approve
    assert_contains out ".spec.minReadySeconds" "autoscaler" "force_conflicts"
    NS=conflict config <<HCL
  force_conflicts = true
HCL
    apply
    assert_settled
    destroy
}

test_a_second_run_waits_for_the_lock() {
    NS=locked app
    NS=locked config "config_path = \"$KUBECONFIG_FILE\"
  lock_timeout = \"2s\"" </dev/null
    ctl hold '{"namespace":"locked","kind":"Deployment","name":"web"}'
    start_apply
    eventually k -n locked get deployment web
    mkdir second
    cp -r main.tf app second/
    (cd second && tf apply -auto-approve) && die "two runs at once"
    assert_contains second/out "component-locked" "held by"
    ctl reset
    wait $terraform_pid || die "$(cat out)"
    assert_settled
    destroy
}

test_a_destroy_that_waited_takes_what_came_meanwhile() {
    NS=waited installed
    mkdir second
    cp -r main.tf app terraform.tfstate second/
    also late <<YAML
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: waited-late}
rules: []
YAML
    local id
    id=$(block PATCH clusterroles/waited-late)
    start_apply
    ctl wait-fault "id=$id"
    (cd second && tf destroy -auto-approve) &
    eventually lock_was_asked_for waited 2
    ctl unblock "id=$id"
    wait $terraform_pid || die "$(cat out)"
    wait $! || die "$(cat second/out)"
    assert_nothing_left component-waited
}
lock_was_asked_for() { [ "$(requests GET "leases/component-$1")" -ge "$2" ]; }

test_the_cluster_was_replaced() {
    NS=moved installed
    cluster_start "$WORK/other"
    sed -i "s|$KUBECONFIG_FILE|$WORK/other/kubeconfig|" main.tf
    tf plan
    assert_contains out "will be created"
    apply
    assert_settled
    kubectl --kubeconfig "$WORK/other/kubeconfig" -n moved get deployment web
    k -n moved get deployment web # the old one is left alone
    destroy
    cluster_stop "$WORK/other"
    k delete namespace moved --wait=false
    k delete namespace kubeflow-terraform --wait=false
    eventually missing k get namespace kubeflow-terraform
}

# --- users' data ---------------------------------------------------------------------------------

test_users_data_is_not_taken_by_surprise() {
    NS=data app
    also claim <<YAML
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
YAML
    NS=data config </dev/null
    apply
    assert_settled
    refused tf plan -destroy
    assert_contains out "PersistentVolumeClaim/data/data" "on_destroy"
    refused tf destroy -auto-approve
    k -n data get deployment web
    NS=data config <<HCL
  on_destroy = { user_data = "keep" }
HCL
    apply
    destroy
    k -n data get pvc data
    refused k -n data get deployment web
    k delete namespace data --wait=false
}

test_crds_in_use_stay() {
    NS=crd app
    also crd <<YAML
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, plural: things}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: ours}
spec: {a: 1}
YAML
    NS=crd config </dev/null
    apply
    assert_settled
    k create -f - <<YAML
apiVersion: example.com/v1
kind: Thing
metadata: {name: theirs, namespace: default}
YAML
    destroy
    k -n default get thing theirs
    refused k -n crd get thing ours
    k delete crd things.example.com
}

# --- bad input -----------------------------------------------------------------------------------

# The plan must fail and say all of these.
plan_refused() { # text...
    refused tf plan
    assert_contains out "$@"
}

test_bad_input() {
    NS=bad app
    NS=bad config <<HCL
  wait = "perhaps"
HCL
    plan_refused "a bool is required"

    NS=bad config </dev/null
    echo "not: [valid" >app/app.yaml
    plan_refused "app.yaml" "line"

    NS=bad app
    echo "nonsense: 1" >>app/kustomization.yaml
    plan_refused "kustomization.yaml" "nonsense"

    echo "this is no archive" >broken.tar.gz
    sed -i 's|path = "app"|path = "broken.tar.gz"|' main.tf
    plan_refused "broken.tar.gz" 'path = "broken.tar.gz"'

    sed -i 's|path = "broken.tar.gz"|path = "missing"|' main.tf
    plan_refused "missing"

    cat >main.tf <<HCL
terraform {
  required_providers { kubeflow = { source = "mlops8020/kubeflow" } }
}
provider "kubeflow" { config_path = "$KUBECONFIG_FILE" }
resource "kubeflow_component" "app" {
  name    = "katib"
  release = "1.10.3"
}
HCL
    plan_refused 'release = "1.10.3"' '1.10.2'
    sed -i 's/1.10.3/1.10.2/; s/katib/kattib/' main.tf
    plan_refused 'did you mean "katib"'
    sed -i '/release/d' main.tf
    plan_refused "Missing release"
}

test_wrong_credentials() {
    NS=creds app
    NS=creds config "config_path = \"$CLUSTER_DIR/kubeconfig.badtoken\"" </dev/null
    refused tf apply -auto-approve
    assert_contains out "401"
    NS=creds config "config_path = \"$CLUSTER_DIR/kubeconfig.nobody\"" </dev/null
    refused tf apply -auto-approve
    assert_contains out "forbidden"
    NS=creds config 'config_path = "no/such/file"' </dev/null
    refused tf apply -auto-approve
    assert_contains out "no/such/file"
    NS=creds config "config_path = \"$KUBECONFIG_FILE\"
  config_context = \"nowhere\"" </dev/null
    refused tf apply -auto-approve
    assert_contains out "nowhere"
}

test_missing_needs() {
    NS=needs app
    also thing <<YAML
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: x}
spec: {selfSigned: {}}
YAML
    NS=needs config </dev/null
    eventually missing k get namespace kubeflow-terraform # of an earlier test
    refused tf apply -auto-approve
    assert_contains out "Issuer" "depends_on" "Nothing was written"
    refused k get namespace needs
    refused k get namespace kubeflow-terraform
}

# --- trouble on the way --------------------------------------------------------------------------

test_faults_that_heal() {
    NS=heal app
    NS=heal config </dev/null
    ctl fault '{"method":"PATCH","action":"status","code":429,"retryAfter":1,"times":2}'
    ctl fault '{"method":"PATCH","path":"deployments","action":"status","code":503,"times":2}'
    ctl fault '{"method":"PATCH","path":"services","action":"drop","times":2}'
    ctl fault '{"method":"PATCH","path":"configmaps","action":"drop-response","times":1}'
    ctl fault '{"method":"GET","action":"status","code":500,"times":2}'
    apply
    ctl reset
    assert_settled
    destroy
    assert_nothing_left component-heal
}

test_the_api_server_restarts() {
    NS=restart app
    NS=restart config </dev/null
    ctl hold '{"namespace":"restart","kind":"Deployment","name":"web"}'
    start_apply
    eventually k -n restart get deployment web
    ctl restart-apiserver '{"downMs":1000}'
    ctl release '{"namespace":"restart"}'
    wait $terraform_pid || die "$(cat out)"
    assert_settled
    destroy
}

test_a_refusing_webhook_is_said() {
    NS=refuse app
    also hook <<YAML
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: refuse}
webhooks:
- name: web.refuse.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {service: {name: web, namespace: refuse, port: 80, path: /x}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [serviceaccounts]}]
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: refuse}}
  objectSelector: {matchLabels: {app: web}} # not the namespace's own account, which pods need
YAML
    also account <<YAML
apiVersion: v1
kind: ServiceAccount
metadata: {name: late, labels: {app: web}}
YAML
    NS=refuse config </dev/null
    ctl webhook '{"namespace":"refuse","service":"web","mode":"deny","kind":"ServiceAccount","message":"not on my watch"}'
    refused tf apply -auto-approve
    assert_contains out "ServiceAccount/refuse/late" "not on my watch"
    ctl reset
    apply
    assert_settled
    destroy
}

# --- import --------------------------------------------------------------------------------------

test_refresh_reads_metadata_only() {
    NS=refresh installed
    ctl reset-counts
    tf plan
    assert_equal "$(requests GET '/namespaces/refresh/')" 0
    destroy
}

run_tests "$@"
