# A control plane for acceptance tests, shared by the tests of one file. Source after lib.sh.

CLUSTER_DIR=$SCRATCH/cluster
KUBECONFIG_FILE=$CLUSTER_DIR/kubeconfig

cluster_start() { # [directory]
    "$BUILD/cluster" start --dir "${1:-$CLUSTER_DIR}" --parent-pid $$ --detach >"$SCRATCH/cluster.out" 2>&1 || {
        cat "$SCRATCH/cluster.out"
        echo "the control plane doesn't start"
        exit 1
    }
}

cluster_stop() { # [directory]
    "$BUILD/cluster" stop --dir "${1:-$CLUSTER_DIR}" --rm >/dev/null 2>&1
}

ctl() { "$BUILD/cluster" ctl --dir "$CLUSTER_DIR" "$@"; }
k() { kubectl --kubeconfig "$KUBECONFIG_FILE" "$@"; }

# The head of a main.tf: the provider, connected to the control plane or as it is told.
provider_block() { # [attributes]
    local connection="config_path = \"$KUBECONFIG_FILE\""
    cat <<HCL
terraform {
  required_providers { kubeflow = { source = "mlops8020/kubeflow" } }
}
provider "kubeflow" {
  ${1:-$connection}
}
HCL
}

# How many requests a method and path have had since ctl reset-counts.
requests() { # method path-regex
    ctl requests "{\"method\":\"$1\",\"path\":\"$2\"}" | jq '.requests | length'
}

# No object of the kinds that the tests use is left of a set.
assert_nothing_left() { # set name
    local id
    id=applyset-$(printf '%s' "$1.kubeflow-terraform.ConfigMap." | openssl dgst -sha256 -binary |
        base64 | tr '+/' '-_' | tr -d '=')-v1
    k get namespaces,crds,deployments,services,configmaps,secrets,serviceaccounts,pvc,clusterroles \
        -A -l "applyset.kubernetes.io/part-of=$id" -o name >left 2>/dev/null
    [ ! -s left ] || { cat left; die "objects of $1 are left"; }
    if k -n kubeflow-terraform get configmap "$1" -o name >left 2>/dev/null; then die "the parent of $1 is left"; fi
    if k -n kubeflow-terraform get lease "$1" -o name >left 2>/dev/null; then die "the lock of $1 is left"; fi
}

uid_of() { k -n "$1" get "$2" -o 'jsonpath={.metadata.uid}'; }
