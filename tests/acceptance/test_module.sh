#!/usr/bin/env bash
# modules/platform, from the root module of somebody else.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cluster.sh"
. "$(dirname "$0")/release.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
RELEASE=1.10.2

root() { # attributes
    {
        provider_block
        cat <<HCL
module "kubeflow" {
  source     = "./module"
  release    = "$RELEASE"
  disposable = true
  $1
}
output "url" { value = module.kubeflow.url }
output "versions" { value = module.kubeflow.versions }
HCL
    } >main.tf
    [ -d module ] || cp -r "$ROOT/modules/platform" module
    tf get
}

output() { terraform output -json "$1"; }

# Its own tests, which plan without a cluster.
test_own_tests() {
    if without_release $RELEASE; then echo "skipped: no release"; return; fi
    cp -r "$ROOT/modules/platform" module
    terraform -chdir=module test -no-color >out 2>&1 || { cat out; die "terraform test fails"; }
    assert_contains out "Success! 3 passed, 0 failed."
}

test_two_sets_of_inputs() {
    if without_release $RELEASE; then echo "skipped: no release"; return; fi
    cluster_start
    root 'components = ["cert-manager", "dex"]
          oidc       = { issuer = "https://login.example.com", client_id = "kubeflow",
                         client_secret_ref = { name = "kubeflow-oidc", key = "client-secret" } }
          external_url = "https://kubeflow.example.com"'
    k create namespace auth
    k -n auth create secret generic kubeflow-oidc --from-literal=client-secret=of-the-provider
    apply
    assert_settled
    assert_equal "$(output url)" '"https://kubeflow.example.com"'
    k -n auth get deployment dex

    # everything but the kind of cluster is another one
    root 'components       = ["dex", "notebook-controller", "user-namespace"]
          users            = { "ml@example.com" = { profile = "ml", cluster_admin = true } }
          password_hashes  = { "ml@example.com" = "$2b$12$6xyCvMGpOTZmBsGQVXdO1OnOq2kzXz5kLhFzWn5tDzr1YNnHZ8yH6" }
          hostname         = "ml.example.com"
          tls_secret_name  = "ml-example-com"
          storage_class    = "standard"
          namespace_labels = { team = "ml" }'
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=ml.example.com \
        -keyout key.pem -out cert.pem 2>/dev/null
    k create namespace istio-system || true
    k -n istio-system create secret tls ml-example-com --cert=cert.pem --key=key.pem
    apply
    assert_settled
    assert_equal "$(output url)" '"https://ml.example.com"'
    assert_equal "$(output versions | jq 'has("notebook-controller")')" true
    k get profile ml
    destroy
    cluster_stop
}

run_tests "$@"
