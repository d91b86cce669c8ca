#!/usr/bin/env bash
# Values of Secrets against a real API server: made when applied, kept, renewed, copied, taken over;
# and in nothing that Terraform keeps. The marks are the annotation that settings put on Secrets.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cluster.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
trap 'cluster_stop; cleanup_all' EXIT
cluster_start

# app/: a Secret with a client secret beside a user name, and one that holds the same client secret.
app() { # version
    mkdir -p app
    cat >app/kustomization.yaml <<YAML
namespace: $NS
resources: [app.yaml]
YAML
    cat >app/app.yaml <<YAML
apiVersion: v1
kind: Namespace
metadata: {name: $NS}
---
apiVersion: v1
kind: Secret
metadata:
  name: one
  annotations:
    terraform-provider-kubeflow/values: '{"client":"oidc_client_secret#$1","db":"database_password#1"}'
stringData: {user: root}
---
apiVersion: v1
kind: Secret
metadata:
  name: two
  annotations:
    terraform-provider-kubeflow/values: '{"secret":"oidc_client_secret#$1"}'
YAML
}

config() {
    {
        provider_block
        cat <<HCL
resource "kubeflow_component" "app" {
  name = "$NS"
  path = "app"
HCL
        cat
        echo "}"
    } >main.tf
}

value() { k -n "$NS" get secret "$1" -o "jsonpath={.data.$2}" | base64 -d; }

# Neither in clear nor in base64 in what Terraform keeps or has shown.
assert_nowhere() { # values...
    local v file
    for v; do
        [ -n "$v" ] || die "an empty value"
        for file in terraform.tfstate out trace; do
            [ -f "$file" ] || continue
            assert_lacks "$file" "$v" "$(printf %s "$v" | base64 -w0)"
        done
    done
    # private state is base64 in the state
    jq -r '.resources[].instances[].private // empty' terraform.tfstate | base64 -d >private
    for v; do assert_lacks private "$v" "$(printf %s "$v" | base64 -w0)"; done
}

test_life_of_values() {
    NS=values
    app 1
    config </dev/null
    TF_LOG_PROVIDER=trace TF_LOG_PATH=trace apply
    local client db
    client=$(value one client) db=$(value one db)
    assert_equal ${#client} 40
    assert_equal ${#db} 32
    assert_equal "$(value two secret)" "$client"
    assert_equal "$(value one user)" root
    assert_nowhere "$client" "$db"
    k -n "$NS" get secret one --show-managed-fields -o json >one.json
    assert_equal "$(jq -r '[.metadata.managedFields[] | select(.fieldsV1."f:data"."f:db") | .manager] | join(",")' \
        one.json)" terraform-provider-kubeflow-values
    assert_settled

    # something else changes in the Secret: the values stay
    sed -i 's/user: root/user: admin/' app/app.yaml
    apply
    assert_equal "$(value one user) $(value one client) $(value one db)" "admin $client $db"
    assert_settled

    # another version: a new one in both, the other value stays
    app 2
    tf plan
    assert_contains out "Secret/$NS/one" "Secret/$NS/two"
    apply
    [ "$(value one client)" != "$client" ] || die "not renewed"
    assert_equal "$(value two secret)" "$(value one client)"
    assert_equal "$(value one db)" "$db"
    client=$(value one client)
    assert_nowhere "$client"
    assert_settled

    # nobody wants one any more: it goes, and what is noted of it
    sed -i '/"secret":/d' app/app.yaml
    apply
    assert_equal "$(value two secret)" ""
    k -n "$NS" get secret two --show-managed-fields -o json >two.json
    assert_lacks two.json terraform-provider-kubeflow/filled terraform-provider-kubeflow-values
    assert_equal "$(value one client)" "$client"
    assert_settled

    destroy
    assert_nothing_left "component-$NS"
}

test_values_that_others_change() {
    NS=touched
    app 1
    config </dev/null
    apply
    local client
    client=$(value one client)

    # changed by hand: shown without the value, kept, and ours again
    k -n "$NS" patch secret one --field-manager=somebody -p '{"stringData":{"db":"changed-by-hand"}}'
    tf plan
    assert_contains out "Secret/$NS/one" "values that we put in were changed or taken away by somebody"
    assert_lacks out changed-by-hand "$(printf changed-by-hand | base64)"
    apply
    assert_equal "$(value one db)" changed-by-hand
    assert_nowhere changed-by-hand
    assert_settled
    assert_equal "$(value one client)" "$client"

    # of a value in two Secrets, the one that nobody touched counts
    k -n "$NS" patch secret two --field-manager=somebody -p '{"stringData":{"secret":"other"}}'
    apply
    assert_equal "$(value two secret)" "$client"
    assert_settled

    # taken away: from the other Secret, or a new one
    k -n "$NS" patch secret two --type=json -p '[{"op":"remove","path":"/data/secret"}]'
    tf plan
    assert_contains out "values that we put in were changed or taken away"
    apply
    assert_equal "$(value two secret)" "$client"
    k -n "$NS" delete secret one
    apply
    assert_equal "$(value one client)" "$client"
    assert_equal "$(value one db | wc -c)" 32
    assert_settled

    # with data beside it that was made with the value, a new one would lock the server out
    cat >>app/app.yaml <<YAML
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
YAML
    apply
    k -n "$NS" delete secret one
    refused tf apply -auto-approve
    assert_contains out "Secret/$NS/one was deleted" "lock the server out" "data"
    k -n "$NS" delete pvc data
    apply
    assert_equal "$(value one db | wc -c)" 32
    assert_settled
    sed -i 's/^  path = .*/&\n  on_destroy = { user_data = "delete" }/' main.tf
    apply
    destroy
}

# The API server quotes what it can't read.
test_a_value_of_the_wrong_type_isnt_shown() {
    NS=quoted
    app 1
    sed -i '0,/^stringData:.*/s//stringData: {pin: 12345678}/' app/app.yaml
    grep -q 12345678 app/app.yaml
    config </dev/null
    TF_LOG_PROVIDER=trace TF_LOG_PATH=trace refused tf apply -auto-approve
    assert_contains out "Secret/$NS/" "the API server answered"
    assert_lacks out 12345678
    assert_lacks trace 12345678
    destroy
}

# A Secret that kubectl made has the password that its database was made with, and beside it a value that
# everybody knows from the release.
test_values_that_were_there_before() {
    NS=before
    app 1
    k create namespace "$NS"
    k apply -f - <<YAML
apiVersion: v1
kind: Secret
metadata: {name: one, namespace: $NS}
stringData: {user: root, db: of-the-database, client: pUBO8iCgYG2}
YAML
    config <<HCL
  adopt = true
HCL
    apply
    assert_equal "$(value one db)" of-the-database
    assert_equal "$(value one client)" "$(value two secret)"
    assert_equal "$(value one client | wc -c)" 40
    k -n "$NS" get secret one --show-managed-fields -o json >one.json
    assert_equal "$(jq -r '[.metadata.managedFields[] | select(.fieldsV1."f:data"."f:db") | .manager] | join(",")' \
        one.json)" terraform-provider-kubeflow-values
    assert_nowhere of-the-database
    assert_settled
    # an adopted one is released with its values
    destroy
    assert_equal "$(value one db)" of-the-database
    k -n "$NS" get secret one --show-managed-fields -o json >one.json
    assert_lacks one.json terraform-provider-kubeflow applyset
}

test_what_isnt_given() {
    NS=missing
    app 1
    sed -i 's/database_password/user_password\/ml@example.com/' app/app.yaml
    config </dev/null
    refused apply
    assert_contains out 'users["ml@example.com"].password_wo is needed' "Secret/$NS/one"
    missing k get namespace "$NS"
}

run_tests "$@"
