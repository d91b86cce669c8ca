# shellcheck shell=bash
# What tests of real releases share. Source after cluster.sh. A release comes from ../shared/manifests,
# from the directory in KUBEFLOW_MANIFESTS_MIRROR or from the project's own archive on the network.

if [ -d "$ROOT/../shared/manifests" ]; then
    KUBEFLOW_MANIFESTS_MIRROR=$(cd "$ROOT/../shared/manifests" && pwd)
    export KUBEFLOW_MANIFESTS_MIRROR
fi
# each release is unpacked only once
export XDG_CACHE_HOME=$SCRATCH/cache

archive_of() { # release
    local tag=$1
    case $tag in 1.*) tag=v$tag ;; esac
    echo "https://github.com/kubeflow/manifests/archive/refs/tags/$tag.tar.gz"
}

mirrored() { [ -f "${KUBEFLOW_MANIFESTS_MIRROR:-}/manifests-$1.tar.gz" ]; } # release

# Whether the test can't go on.
without_release() { # release
    mirrored "$1" && return 1
    curl -fsIL --max-time 10 -o /dev/null "$(archive_of "$1")" 2>/dev/null && return 1
    [ -z "${CI:-}" ] || die "Kubeflow $1 can't be had: no mirror, no network"
    return 0
}

# Namespaces, CRDs and cluster-wide roles by name, as far as Kubernetes itself doesn't keep them.
cluster_wide() {
    for _ in $(seq 300); do # what an earlier test deleted may still be going
        no_namespace_terminates && break
        sleep 0.1
    done
    k get namespaces,crds,clusterroles,clusterrolebindings,validatingwebhookconfigurations,mutatingwebhookconfigurations \
        -o name | grep -vE '/(system:|kube-|default$|admin$|edit$|view$|cluster-admin$)' | sort
}

no_namespace_terminates() { ! k get namespaces --no-headers | grep -q Terminating; }

assert_cluster_is() { # file
    eventually no_namespace_terminates
    eventually missing k get namespace kubeflow-terraform
    cluster_wide >now
    diff "$1" now || die "the cluster isn't as it was"
}

unready() {
    k get deployments -A -o json | jq -r '.items[]
        | select((.status.readyReplicas // 0) != .spec.replicas) | .metadata.name'
}
