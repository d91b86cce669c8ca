#!/usr/bin/env bash
# kubeflow_platform over what kubectl installed: import, adoption, and the HCL that matches.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cluster.sh"
. "$(dirname "$0")/release.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
RELEASE=1.10.2
trap 'cluster_stop; cleanup_all' EXIT

# --- what kubectl installs -----------------------------------------------------------------------

COMMON="common/cert-manager/base common/istio/istio-crds/base common/istio/istio-namespace/base
    common/kubeflow-namespace/base common/istio/istio-install/overlays/oauth2-proxy
    common/oauth2-proxy/overlays/m2m-dex-only common/dex/overlays/oauth2-proxy
    common/istio/kubeflow-istio-resources/base"
KATIB=applications/katib/upstream/installs/katib-with-kubeflow

# tree/site: the directories of the release, with a patch and what else comes on stdin.
site() { # directory...
    local archive=${KUBEFLOW_MANIFESTS_MIRROR:-}/manifests-$RELEASE.tar.gz
    mirrored "$RELEASE" || { archive=release.tar.gz && curl -fsSL -o "$archive" "$(archive_of "$RELEASE")"; }
    [ -d tree ] || { mkdir tree && tar -xzf "$archive" -C tree --strip-components=1; }
    mkdir -p tree/site
    {
        echo "resources:"
        for dir; do echo "- ../$dir"; done
        cat
    } >tree/site/kustomization.yaml
    kubectl kustomize tree/site >site.yaml 2>kustomize.out || { cat kustomize.out; die "kustomize fails"; }
}

# As the release's README has it: again and again until everything is there.
install() { # arguments of kubectl apply
    local _
    for _ in $(seq 60); do
        k apply -f site.yaml "$@" >kubectl.out 2>&1 && return
        sleep 0.5
    done
    tail kubectl.out
    die "kubectl doesn't install it"
}

all_ready() { [ -z "$(unready)" ]; }
pods() { k get pods -A -o 'jsonpath={range .items[*]}{.metadata.uid}{"\n"}{end}' | sort; }
replicasets() { k get replicasets -A -o 'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\n"}{end}' | sort; }

# Those that the platform's own secrets don't concern.
untouched() { replicasets | grep -vE '^(auth/dex|oauth2-proxy/oauth2-proxy|kubeflow/katib-mysql)-'; }

# Each test has a cluster of its own: what kubectl installed is gone with it.
another_cluster() {
    cluster_stop
    cluster_start
}

# --- Terraform over it ---------------------------------------------------------------------------

config() { # attributes on stdin
    {
        provider_block
        echo 'resource "kubeflow_platform" "this" {'
        cat
        echo "}"
    } >main.tf
}

nothing_written() { ! k get namespace kubeflow-terraform >/dev/null 2>&1 || die "something was written"; }
matching_hcl() { # id
    "$BUILD/terraform-provider-kubeflow" import "$1" --config-path "$KUBECONFIG_FILE" --hcl
}
# The lines of `changes` of a new plan, in the file changes.
plan_changes() {
    tf plan -out=plan
    terraform show -json plan | jq -r '.resource_changes[0].change.after.changes[]' >changes
}
plan_is_one_update() {
    plan_changes
    assert_contains out "kubeflow_platform.this will be" "0 to add, 1 to change, 0 to destroy"
    nothing_written
}

test_server_side_apply_with_a_load_balancer() {
    if without_release $RELEASE; then echo "skipped: no release"; return; fi
    another_cluster
    k apply -f - <<YAML
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: example.com/none
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: katib}
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: fast
  hostPath: {path: /none}
YAML
    # shellcheck disable=SC2086
    site $COMMON $KATIB <<'YAML'
patches:
- target: {kind: Service, name: istio-ingressgateway}
  patch: '[{"op": "replace", "path": "/spec/type", "value": "LoadBalancer"}]'
- target: {kind: Deployment, name: katib-ui}
  patch: '[{"op": "add", "path": "/spec/replicas", "value": 2}]'
- target: {kind: PersistentVolumeClaim, name: katib-mysql}
  patch: '[{"op": "add", "path": "/spec/storageClassName", "value": "fast"}]'
YAML
    install --server-side --force-conflicts
    eventually all_ready
    pods >pods.before
    untouched >replicasets.before

    config <<'HCL'
  release             = "1.10.2"
  components          = ["katib"]
  existing            = ["kubeflow-roles", "profiles"]
  allow_default_login = true
HCL
    tf import kubeflow_platform.this auto
    assert_contains out "this is Kubeflow 1.10.2" "auth/dex 2.41.1" "public password"
    refused tf plan
    assert_contains out 'in the cluster its Service has type "LoadBalancer"' 'storage.class_name was "fast"'
    nothing_written

    sed -i '$d' main.tf
    cat >>main.tf <<'HCL'
  gateway = { service_type = "LoadBalancer", allow_plain_http = true }
  storage = { class_name = "fast" }
  on_destroy = { user_data = "keep" }
  ignore_fields = [{
    target = { kind = "Deployment", name = "katib-ui" }
    fields = [".spec.replicas"]
  }]
}
HCL
    plan_is_one_update
    assert_contains changes "are as wanted; only a label is added" "+ Secret/oauth2-proxy/oauth2-proxy" \
        "MYSQL_ALLOW_EMPTY_PASSWORD"
    assert_lacks changes "Service/" "PersistentVolumeClaim/" "PLATFORM" katib-ui
    local password
    password=$(k -n kubeflow get secret katib-mysql-secrets -o 'jsonpath={.data.MYSQL_ROOT_PASSWORD}')
    apply
    assert_contains out "katib_database_password" "rotate"
    assert_settled
    # what is left to others stays as kubectl set it
    assert_equal "$(k -n kubeflow get deployment katib-ui -o 'jsonpath={.spec.replicas}')" 2
    # what reads a value that was public is rolled, and katib's database, which loses a switch; no other
    untouched | diff replicasets.before - || die "workloads were rolled"
    pods >pods.after
    assert_equal "$(comm -23 pods.before pods.after | wc -l)" 4
    assert_equal "$(k -n kubeflow get secret katib-mysql-secrets -o 'jsonpath={.data.MYSQL_ROOT_PASSWORD}')" "$password"

    destroy
    k -n kubeflow get deployment katib-controller -o json >released.json
    jq -e '.metadata.labels["applyset.kubernetes.io/part-of"] == null' released.json
    assert_equal "$(k -n istio-system get service istio-ingressgateway -o 'jsonpath={.spec.type}')" LoadBalancer
    k get crd experiments.kubeflow.org
    k -n kubeflow get pvc katib-mysql
}

dex_env() { k -n auth get deployment dex -o 'jsonpath={.spec.template.spec.containers[0].env[*].name}'; }

# A site of its own: another user with a password of its own, an identity provider, TLS in front, and a
# variable that the manifests don't have.
test_client_side_apply_with_logins_of_its_own() {
    if without_release $RELEASE; then echo "skipped: no release"; return; fi
    another_cluster
    site common/istio/istio-crds/base common/istio/istio-namespace/base common/dex/overlays/oauth2-proxy <<'YAML'
patches:
- target: {kind: Secret, name: dex-passwords}
  patch: '[{"op": "replace", "path": "/stringData/DEX_USER_PASSWORD", "value": "$2y$12$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72"}]'
- target: {kind: Deployment, name: dex}
  patch: |-
    - op: add
      path: /spec/template/spec/containers/0/env/-
      value: {name: EXTRA, value: site}
    - op: add
      path: /spec/template/spec/containers/0/env/-
      value: {name: IDP_SECRET, valueFrom: {secretKeyRef: {name: idp, key: secret}}}
- target: {kind: ConfigMap, name: dex}
  patch: |-
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: dex}
    data:
      config.yaml: |
        issuer: https://kubeflow.example.com/dex
        storage: {type: kubernetes, config: {inCluster: true}}
        web: {http: 0.0.0.0:5556}
        oauth2: {skipApprovalScreen: true}
        enablePasswordDB: true
        staticPasswords:
        - {email: ml@example.com, hashFromEnv: DEX_USER_PASSWORD, username: ml, userID: "1"}
        staticClients:
        - {idEnv: OIDC_CLIENT_ID, redirectURIs: ["/oauth2/callback"], name: Dex, secretEnv: OIDC_CLIENT_SECRET}
        connectors:
        - type: oidc
          id: idp
          name: IdP
          config: {issuer: "https://idp.example.com", clientID: kubeflow, clientSecret: $IDP_SECRET}
YAML
    install
    k -n auth create secret generic idp --from-literal=secret=s3cret
    eventually all_ready

    config <<'HCL'
  release             = "1.10.2"
  components          = ["dex"]
  existing            = ["oauth2-proxy", "istio-install"]
  allow_default_login = true
HCL
    cat >>main.tf <<'HCL'
import {
  to = kubeflow_platform.this
  id = "auto"
}
HCL
    refused tf plan
    assert_contains out '"ml@example.com"' "users" 'external_url' "https://idp.example.com"
    assert_lacks out "4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72" s3cret

    # the configuration that matches, as it is printed
    { provider_block; matching_hcl auto; } >main.tf
    assert_contains main.tf 'id = "1.10.2"' 'external_url = "https://kubeflow.example.com"' '"ml@example.com" = {' \
        'client_id' 'issuer' '"idp"' "var.password_hash_ml_example_com"
    assert_lacks main.tf '$2y$' s3cret
    terraform fmt -check -diff main.tf || die "what is printed isn't formatted"
    export TF_VAR_password_hash_ml_example_com='$2y$12$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72'
    plan_changes
    assert_contains out "1 to import, 0 to add, 1 to change, 0 to destroy"
    assert_contains changes 'env[name=EXTRA]: {"name":"EXTRA","value":"site"} -> (none)'
    nothing_written

    # kept by a patch, it isn't said to go
    sed -i '$d' main.tf
    cat >>main.tf <<'HCL'
  patches = [{
    target = { kind = "Deployment", name = "dex" }
    patch  = yamlencode([{ op = "add", path = "/spec/template/spec/containers/0/env/-", value = { name = "EXTRA", value = "site" } }])
  }]
}
HCL
    plan_changes
    assert_lacks changes EXTRA
    apply
    assert_settled
    dex_env | grep -qw EXTRA || die "the patched variable is gone"
    assert_equal "$(k -n auth get secret dex-passwords -o json | jq '.data | length')" 1
    refused grep -q s3cret terraform.tfstate

    # it was kubectl's; now it is ours, and goes when we drop it
    sed -i '/patches = \[{/,/^  }\]/d' main.tf
    apply
    assert_settled
    ! dex_env | grep -qw EXTRA || die "a field that kubectl had set stays for good"

    destroy
    k -n auth get deployment dex
}

test_a_helm_owned_cert_manager() {
    if without_release $RELEASE; then echo "skipped: no release"; return; fi
    another_cluster
    site common/cert-manager/base common/kubeflow-namespace/base \
        applications/jupyter/notebook-controller/upstream/overlays/kubeflow </dev/null
    install --server-side --force-conflicts
    kubectl kustomize tree/common/cert-manager/base 2>/dev/null |
        k annotate -f - meta.helm.sh/release-name=certs >/dev/null
    eventually all_ready

    config <<'HCL'
  release             = "1.10.2"
  components          = ["cert-manager", "notebook-controller"]
  existing            = ["istio-crds", "kubeflow-roles", "profiles", "istio-install", "kubeflow-istio-resources", "oauth2-proxy"]
  allow_default_login = true
HCL
    # three releases have this notebook controller
    refused tf import kubeflow_platform.this auto
    assert_contains out "more than one release: 1.10.2, 1.11.0, 26.03" "Name it"
    tf import kubeflow_platform.this 1.10.2
    assert_contains out "cert-manager belongs to Helm release certs"
    refused tf plan
    assert_contains out 'existing = ["cert-manager"]' "adopt = true"
    sed -i 's/"cert-manager", "notebook/"notebook/; s/= \["istio-crds"/= ["cert-manager", "istio-crds"/' main.tf
    plan_is_one_update
    apply
    assert_settled
    local digest
    digest=$(platform .manifests_digest)
    refused sh -c "kubectl --kubeconfig $KUBECONFIG_FILE -n cert-manager get deployment cert-manager -o yaml | grep applyset"

    # a state that was lost: the release is recorded in the cluster
    rm terraform.tfstate
    tf import kubeflow_platform.this auto
    assert_contains out "this provider recorded it"
    rm terraform.tfstate
    tf import kubeflow_platform.this "$digest"
    plan_changes
    assert_lacks changes "apps/Deployment"
    apply
    destroy
}

platform() { state kubeflow_platform.this ".attributes$1"; }

test_bad_ids() {
    if without_release $RELEASE; then echo "skipped: no release"; return; fi
    another_cluster
    config <<'HCL'
  release             = "1.10.2"
  allow_default_login = true
HCL
    refused tf import kubeflow_platform.this auto
    assert_contains out "othing of Kubeflow was found in this cluster"
    refused tf import kubeflow_platform.this 1.10.2
    assert_contains out "o component of Kubeflow 1.10.2 was found"
    refused tf import kubeflow_platform.this 1.10.7
    assert_contains out "1.10.7" "1.10.2"
    refused tf import kubeflow_platform.this "sha256:$(printf '%064d' 0)"
    assert_contains out "o release has a tree with digest sha256:000" "1.10.2 sha256:"
    refused matching_hcl 1.10.7 2>out
    assert_contains out "1.10.7"
    nothing_written
}

run_tests "$@"
