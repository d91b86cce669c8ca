#!/usr/bin/env bash
# kubeflow_platform: whole releases against a real API server.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cluster.sh"
. "$(dirname "$0")/release.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
trap 'cluster_stop; cleanup_all' EXIT
cluster_start

# --- what the tests install ----------------------------------------------------------------------

# main.tf: the provider and a platform of the release; further attributes come on stdin.
config() { # release
    {
        provider_block
        cat <<HCL
resource "kubeflow_platform" "this" {
  release = "$1"
HCL
        cat
        echo "}"
    } >main.tf
}

# What most tests set: a login, a gateway, and that a destroy may take all.
usual() {
    cat <<'HCL'
  allow_default_login = true
  gateway             = { service_type = "LoadBalancer", allow_plain_http = true }
  on_destroy          = { crds = "delete", user_data = "delete" }
HCL
}

# The same without most components, for tests of what doesn't depend on how many there are.
small() {
    usual | grep -v gateway
    cat <<'HCL'
  components = ["cert-manager", "katib", "notebook-controller"]
  existing   = ["istio-install", "profiles", "kubeflow-istio-resources", "oauth2-proxy", "knative"]
HCL
}

platform() { state kubeflow_platform.this ".attributes$1"; }

applied_objects() { platform '.components_resolved | [.[].objects] | add'; }

# --- the whole life of each release --------------------------------------------------------------

life() { # release objects
    if without_release "$1"; then echo "skipped: no release"; return; fi
    cluster_wide >before
    usual | config "$1"
    tf plan
    [ "$(wc -c <out)" -lt 20480 ] || die "the plan of a whole release takes $(wc -c <out) bytes"
    assert_contains out "+ cert-manager" "+ katib" "1 to add"

    ctl reset-counts
    apply
    assert_equal "$(applied_objects)" "$2"
    assert_equal "$(unready)" ""
    assert_equal "$(platform .url)" "http://$(platform .gateway_address)"
    [ "$(wc -c <terraform.tfstate)" -lt 204800 ] || die "the state has $(wc -c <terraform.tfstate) bytes"
    assert_settled

    drift_is_repaired
    a_setting_changes "$1"

    destroy
    assert_cluster_is before
}

drift_is_repaired() {
    k -n kubeflow scale deployment katib-ui --replicas=3
    k -n kubeflow delete service katib-ui
    tf plan
    assert_contains out "apps/Deployment/kubeflow/katib-ui" ".spec.replicas" "Service/kubeflow/katib-ui"
    apply
    assert_settled
    assert_equal "$(k -n kubeflow get deployment katib-ui -o 'jsonpath={.spec.replicas}')" 1
    k -n kubeflow get service katib-ui
}

a_setting_changes() { # release
    usual | config "$1"
    sed -i '$d' main.tf
    cat >>main.tf <<'HCL'
  patches = [{
    target = { kind = "ConfigMap", name = "notebook-controller-config" }
    patch  = "- {op: replace, path: /data/ENABLE_CULLING, value: 'true'}"
  }]
}
HCL
    tf plan
    assert_contains out "~ ConfigMap/kubeflow/notebook-controller-config-" " (was notebook-controller-config-" \
        ".data.ENABLE_CULLING: "
    [ "$(wc -l <out)" -le 70 ] || die "the plan of one setting takes $(wc -l <out) lines"
    ctl reset-counts
    apply
    # the ConfigMap under its new name, what mounts it, and our own books
    [ "$(requests PATCH '^/api(s/apps)?/v1/namespaces/kubeflow/')" -le 4 ] || die "more than what changes was sent"
    assert_settled
}

test_life_of_1_9_1() { life 1.9.1 568; }
test_life_of_1_10_2() { life 1.10.2 610; }
test_life_of_1_11_0() { life 1.11.0 652; }
test_life_of_26_03() { life 26.03 675; }

# --- less than before ------------------------------------------------------------------------------

retained() { platform '.retained | .[]'; }

# What goes is what only the component had; data and what people made of its kinds stay.
test_fewer_components() {
    if without_release 26.03; then echo "skipped: no release"; return; fi
    # a namespace that somebody has made keeps what they have written into it
    k apply -f - <<YAML
apiVersion: v1
kind: Namespace
metadata: {name: kubeflow, labels: {team: ml}, annotations: {owner: somebody}}
YAML
    cluster_wide >before
    small | config 26.03
    apply
    k get namespace kubeflow -o 'jsonpath={.metadata.labels.team} {.metadata.annotations.owner}' >kept
    assert_equal "$(cat kept)" "ml somebody"
    k create -f - <<YAML
apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: mine, namespace: default}
spec: {}
YAML
    sed -i 's/"katib", //' main.tf
    tf plan
    assert_contains out "- apps/Deployment/kubeflow/katib-controller"
    apply
    assert_settled
    refused k -n kubeflow get deployment katib-controller
    refused k get crd trials.kubeflow.org
    refused k get validatingwebhookconfiguration katib.kubeflow.org
    k -n default get experiment mine
    k -n kubeflow get pvc katib-mysql
    k -n kubeflow get secret katib-mysql-secrets
    k -n kubeflow get deployment notebook-controller-deployment
    k -n cert-manager get deployment cert-manager
    retained >kept
    assert_contains kept "PersistentVolumeClaim/kubeflow/katib-mysql" "Secret/kubeflow/katib-mysql-secrets" \
        "CustomResourceDefinition/experiments.kubeflow.org"
    assert_lacks kept "Deployment/" "CustomResourceDefinition/trials.kubeflow.org"

    # what stayed isn't the platform's any more
    destroy
    k -n default get experiment mine
    k delete crd experiments.kubeflow.org
    assert_cluster_is before
    k delete namespace kubeflow
}

# What others provide from now on goes, but not what the rest of the platform is made with.
test_existing_is_added_later() {
    if without_release 26.03; then echo "skipped: no release"; return; fi
    cluster_wide >before
    {
        usual
        cat <<'HCL'
  components = ["cert-manager", "istio-install", "cluster-local-gateway", "katib"]
  existing   = ["oauth2-proxy"]
HCL
    } | config 26.03
    apply
    k -n istio-system create secret generic tls --from-literal=tls.crt=x
    local certificate route
    certificate=$(k -n kubeflow get certificate katib-webhook-cert -o 'jsonpath={.metadata.uid}')
    route=$(k -n kubeflow get virtualservice katib-ui -o 'jsonpath={.metadata.uid}')

    { usual | grep -v gateway; cat <<'HCL'; } | config 26.03
  components = ["cluster-local-gateway", "katib"]
  existing   = ["oauth2-proxy", "cert-manager", "istio-crds", "istio-namespace", "istio-install"]
HCL
    apply
    assert_settled
    refused k -n istio-system get deployment istiod
    refused k get namespace cert-manager
    refused k get crd wasmplugins.extensions.istio.io
    assert_equal "$(k -n kubeflow get certificate katib-webhook-cert -o 'jsonpath={.metadata.uid}')" "$certificate"
    assert_equal "$(k -n kubeflow get virtualservice katib-ui -o 'jsonpath={.metadata.uid}')" "$route"
    k -n istio-system get secret tls
    k -n istio-system get deployment cluster-local-gateway
    retained >kept
    assert_contains kept "CustomResourceDefinition/certificates.cert-manager.io" \
        "CustomResourceDefinition/virtualservices.networking.istio.io" "Namespace/istio-system"
    assert_lacks kept "CustomResourceDefinition/wasmplugins.extensions.istio.io" "Namespace/cert-manager"

    destroy
    k -n istio-system get secret tls
    k delete namespace istio-system
    sed 's/.*CustomResourceDefinition/crd/; /^crd/!d' kept | xargs kubectl --kubeconfig "$KUBECONFIG_FILE" delete
    assert_cluster_is before
}

# What the deployment's variable says, wherever it comes from.
culling() { # key
    local map
    map=$(k -n kubeflow get deployment notebook-controller-deployment -o json | jq -r --arg key "$1" \
        '.spec.template.spec.containers[0].env[] | .valueFrom.configMapKeyRef // {} | select(.key == $key).name')
    k -n kubeflow get configmap "$map" -o json | jq -r --arg key "$1" '.data[$key]'
}

dashboard_links() { # list
    k -n kubeflow get configmap centraldashboard-config -o json |
        jq -c --arg list "$1" '.data.links | fromjson[$list] | map(.text)'
}

test_notebooks_and_dashboard() {
    if without_release 26.03; then echo "skipped: no release"; return; fi
    small | sed 's/"katib", /"central-dashboard", /' | config 26.03
    apply
    assert_equal "$(culling ENABLE_CULLING)" false
    sed -i 's,^  components,  culling = { enabled = true\, idle_minutes = 60 }\n&,' main.tf
    sed -i 's,^  components,  dashboard_links = [{ text = "Wiki"\, link = "https://w.example/"\, location = "external" }]\n&,' main.tf
    tf plan
    assert_contains out "notebook-controller-config" "centraldashboard-config"
    apply
    assert_settled
    assert_equal "$(culling ENABLE_CULLING)" true
    assert_equal "$(culling CULL_IDLE_TIME)" 60
    assert_equal "$(dashboard_links externalLinks)" '["Wiki"]'
    assert_contains <(dashboard_links menuLinks) Notebooks

    sed -i 's,https://w.example/,/w,' main.tf
    refused tf plan
    assert_contains out "dashboard_links[0].link"
    sed -i '/dashboard_links/d; s/true, idle_minutes = 60/true, idle_minutes = 0.5/' main.tf
    refused tf plan
    assert_contains out "culling.idle_minutes must be a whole number"
    sed -i '/culling/d' main.tf
    apply
    assert_settled
    assert_equal "$(culling ENABLE_CULLING)" false
    assert_equal "$(dashboard_links externalLinks)" '[]'
    destroy
}

# What is said must be something that helps (test_import.sh does the import).
test_a_lost_state() {
    if without_release 26.03; then echo "skipped: no release"; return; fi
    cluster_wide >before
    small | config 26.03
    sed -i 's/"katib", //' main.tf
    apply
    mv terraform.tfstate lost
    sed -i 's/  components/  namespace_labels = { team = "ml" }\n  components/' main.tf
    refused tf apply -auto-approve
    assert_contains out "is installed in this cluster already" "Import it" "set adopt = true to take it over"
    sed -i 's/  components/  adopt = true\n  components/' main.tf
    apply
    assert_settled

    mv terraform.tfstate found
    cp lost terraform.tfstate
    destroy
    assert_contains out "Nothing is removed from the cluster" "terraform state rm"
    mv found terraform.tfstate
    destroy
    assert_cluster_is before
}

# --- killed, interrupted, restarted --------------------------------------------------------------

# Runs terraform and kills the provider at a random moment, `times` times, until one run gets through.
until_done() { # times terraform-arguments...
    local times=$1 i
    shift
    for i in $(seq "$times"); do
        setsid terraform "$@" -no-color -auto-approve >"out.$i" 2>&1 </dev/null &
        local pid=$!
        sleep "$((RANDOM % 4)).$((RANDOM % 10))"
        kill_providers
        wait "$pid" && { echo "run $i got through"; break; }
        find tmp -name plugin.sock -delete
    done
    tf "$@" -auto-approve
}

test_killed_at_random_moments() {
    local release=1.10.2
    if without_release $release; then echo "skipped: no release"; return; fi
    cluster_wide >before
    usual | config $release
    until_done 8 apply
    assert_settled
    assert_equal "$(applied_objects)" 610
    sed -i 's/on_destroy/namespace_labels = { team = "ml" }\n  image_mirrors = { "docker.io\/" = "registry.example.com\/" }\n  on_destroy/' main.tf
    until_done 6 apply
    assert_settled
    until_done 6 destroy
    assert_cluster_is before
}

# Not while CRDs are being established or volumes bound: what Kubernetes' own controllers forget there in
# an outage, they look at again only after five minutes.
test_the_api_server_restarts_in_the_middle() {
    if without_release 26.03; then echo "skipped: no release"; return; fi
    small | sed 's/"katib", //' | config 26.03
    ctl hold '{"namespace":"cert-manager","kind":"Deployment","name":"cert-manager-webhook"}'
    setsid terraform apply -no-color -auto-approve >out 2>&1 </dev/null &
    local pid=$!
    eventually crds_established 7
    ctl restart-apiserver '{"downMs":2000}'
    ctl release '{"namespace":"cert-manager"}'
    wait "$pid" || { tail -40 out; die "the apply didn't survive a restart"; }
    assert_settled
    destroy
}

crds_established() { # how many
    [ "$(k get crds -o json | jq '[.items[] | select(any(.status.conditions[]?; .type == "Established"
        and .status == "True"))] | length')" -ge "$1" ]
}

# --- what comes late, or never -------------------------------------------------------------------

test_a_webhook_that_answers_late() {
    if without_release 26.03; then echo "skipped: no release"; return; fi
    small | config 26.03
    ctl webhook '{"namespace":"cert-manager","service":"cert-manager-webhook","delayMs":4000}'
    ctl hold '{"namespace":"cert-manager","kind":"Deployment","name":"cert-manager-webhook"}'
    setsid terraform apply -no-color -auto-approve >out 2>&1 </dev/null &
    local pid=$!
    eventually k -n cert-manager get deployment cert-manager-webhook
    sleep 3
    ctl release '{"namespace":"cert-manager"}'
    wait "$pid" || { tail -40 out; die "the apply didn't wait for the webhook"; }
    ctl reset
    assert_settled
    destroy
}

test_a_workload_that_never_becomes_ready() {
    if without_release 26.03; then echo "skipped: no release"; return; fi
    small | config 26.03
    sed -i '$d' main.tf
    printf '  timeouts { create = "25s" }\n}\n' >>main.tf
    ctl pull-fail '{"namespace":"kubeflow","kind":"Deployment","name":"katib-mysql","message":"manifest unknown"}'
    refused tf apply -auto-approve
    assert_contains out "apps/Deployment/kubeflow/katib-mysql" "ImagePullBackOff" "manifest unknown" "kubectl -n kubeflow"
    assert_equal "$(platform .installed)" false

    # not waiting is enough to go on
    sed -i '/timeouts/d' main.tf
    sed -i 's/release = /wait = false\n  release = /' main.tf
    apply
    assert_equal "$(platform .installed)" true
    ctl reset
    assert_settled
    destroy
}

# --- where pods run --------------------------------------------------------------------------------

nodes_of() { # namespace name-of-deployment; on which nodes its pods are, none that is on its way out
    k -n "$1" get pods -o json | jq -r --arg name "$2-" '[.items[]
        | select((.metadata.name | startswith($name)) and .metadata.deletionTimestamp == null)
        | .spec.nodeName] | unique | join(" ")'
}

runs_on() { [ "$(nodes_of "$2" "$3")" = "$1" ]; } # node namespace name-of-deployment

test_scheduling() {
    if without_release 26.03; then echo "skipped: no release"; return; fi
    k label node node-1 pool=system
    k label node node-2 pool=search
    k taint node node-1 node-2 dedicated=platform:NoSchedule
    k create priorityclass platform --value=1000
    small | config 26.03
    apply
    runs_on node-0 kubeflow katib-ui || die "katib-ui runs on $(nodes_of kubeflow katib-ui)"

    small | config 26.03
    sed -i '$d' main.tf
    cat >>main.tf <<'HCL'
  scheduling = {
    node_selector       = { pool = "system" }
    tolerations         = [{ key = "dedicated", value = "platform", effect = "NoSchedule" }]
    priority_class_name = "platform"
    per_component       = { katib = { node_selector = { pool = "search" } } }
  }
}
HCL
    tf plan
    assert_contains out "apps/Deployment/kubeflow/katib-ui" ".spec.template.spec.nodeSelector" "0 to destroy"
    ctl reset-counts
    apply
    # the workloads alone
    assert_equal "$(requests PATCH '^/apis/apps/v1/namespaces/')" \
        "$(k get deployments -A -o name | grep -c .)"
    assert_settled
    eventually runs_on node-2 kubeflow katib-ui
    eventually runs_on node-1 cert-manager cert-manager
    assert_equal "$(k get pods -A -o json |
        jq -r '[.items[].spec.priorityClassName // "none"] | unique | join(" ")')" platform

    sed -i 's/katib = { node/katyb = { node/' main.tf
    says "scheduling" 'did you mean "katib"'
    small | config 26.03
    apply
    assert_settled
    eventually runs_on node-0 kubeflow katib-ui
    destroy
    k taint node node-1 node-2 dedicated-
    k label node node-1 node-2 pool-
    k delete priorityclass platform
}

# --- what is refused before anything is written --------------------------------------------------

says() { # text...; the plan fails and nothing was written
    refused tf plan
    assert_contains out "$@"
}

test_bad_input() {
    if without_release 26.03; then echo "skipped: no release"; return; fi
    config 26.04 <<<'allow_default_login = true'
    says "26.04" "release"
    config 26.03 <<<'
  allow_default_login = true
  components = ["katyb"]'
    says 'no component "katyb"' 'did you mean "katib"'
    config 26.03 <<<'
  allow_default_login = true
  patches = [{ target = { kind = "Deployment", name = "nobody" }, patch = "- {op: remove, path: /spec}" }]'
    says "patches" "selects no object"
    config 26.03 <<<'
  allow_default_login = true
  manifests = { digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000" }'
    says "sha256:0000000000"
    config 26.03 <<<'
  users = { "ml@example.com" = { password_hash = "secret" } }'
    says "users" "bcrypt"
    config 26.03 <<<'
  allow_default_login = true
  gateway = { service_type = "LoadBalancer" }'
    says "gateway" "allow_plain_http"
    config 26.03 </dev/null
    says "allow_default_login"
    mkdir empty
    usual | config 26.03
    KUBEFLOW_MANIFESTS_MIRROR=$PWD/empty says "26.03"
    refused k get namespace kubeflow-terraform
}

# What only the cluster can say is said before the first write, all at once.
test_refused_by_the_cluster() {
    if without_release 26.03; then echo "skipped: no release"; return; fi
    small | config 26.03
    sed -i 's/kubeconfig"/kubeconfig.nobody"/' main.tf
    refused tf apply -auto-approve
    assert_contains out "forbidden"
    small | config 26.03
    sed -i 's/on_destroy/gateway = { hostname = "kubeflow.example.com", tls = { secret_name = "missing" } }\n  on_destroy/
        s/"istio-install", //; s/"kubeflow-istio-resources", //; s/"oauth2-proxy", //' main.tf
    refused tf apply -auto-approve
    assert_contains out "istio-system/missing"
    refused k get namespace kubeflow

    # a namespace that was there for it is no obstacle, and stays
    k create namespace istio-system
    k -n istio-system create secret generic missing --from-literal=tls.crt=x
    apply
    assert_settled
    destroy
    k -n istio-system get secret missing
    k delete namespace istio-system
}

# --- secrets ---------------------------------------------------------------------------------------

secret() { k -n "$1" get secret "$2" -o "jsonpath={.data.$3}" | base64 -d; } # namespace name key

test_secrets_are_made_here() {
    if without_release 26.03; then echo "skipped: no release"; return; fi
    config 26.03 <<'HCL'
  users = { "ml@example.com" = {
    password_hash = "$2y$12$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72"
    profile       = "ml"
  } }
  components = ["dex", "oauth2-proxy", "user-namespace"]
  on_destroy = { crds = "delete", user_data = "delete" }
HCL
    apply
    assert_settled
    local client cookie
    client=$(secret auth dex-oidc-client OIDC_CLIENT_SECRET)
    cookie=$(secret oauth2-proxy oauth2-proxy cookie-secret)
    assert_equal "$(secret oauth2-proxy oauth2-proxy client-secret)" "$client"
    [ "${#client}" -ge 24 ] && [ "$client" != pUBnBOY80SnXgjibTYM9ZWNzY2xreNGQok ] || die "the public client secret"
    [ "${#cookie}" -ge 24 ] && [ "$cookie" != 7d16fee92f8d11b8940b081b3f8b8acb ] || die "the public cookie secret"
    refused grep -qF -e "$client" -e "$cookie" -e "$(printf %s "$client" | base64)" terraform.tfstate out
    k -n ml get rolebindings 2>/dev/null || true
    k get profile ml

    # what somebody deletes is filled in again, a new number makes a new value
    sed -i 's/  components/  rotate = { cookie_secret = 2 }\n  components/' main.tf
    tf plan
    assert_contains out "oauth2-proxy"
    apply
    assert_settled
    [ "$(secret oauth2-proxy oauth2-proxy cookie-secret)" != "$cookie" ] || die "the cookie secret wasn't renewed"
    assert_equal "$(secret oauth2-proxy oauth2-proxy client-secret)" "$client"
    destroy

    apply
    [ "$(secret auth dex-oidc-client OIDC_CLIENT_SECRET)" != "$client" ] || die "two installs have one client secret"
    destroy
}

run_tests "$@"
