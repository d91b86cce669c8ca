package main

import (
	"fmt"
	"os"
)

// serviceRange is where Services get their cluster IPs from.
const serviceRange = "10.96.0.0/16"

// egressYAML sends every call that the API server makes into the cluster
// (webhooks, conversion, aggregated APIs) to the egress socket.
const egressYAML = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      uds:
        udsName: %q
`

func writeEgressConfig(l layout) error {
	return os.WriteFile(l.egressConfig(), fmt.Appendf(nil, egressYAML, l.egressSocket()), 0o644)
}

func apiServerArgs(l layout, port int) []string {
	return []string{
		"--etcd-servers=unix://" + l.etcdSocket(),
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--permit-port-sharing=true", // the supervisor keeps the port reserved
		"--tls-cert-file=" + l.pkiFile("apiserver.crt"),
		"--tls-private-key-file=" + l.pkiFile("apiserver.key"),
		"--client-ca-file=" + l.pkiFile("ca.crt"),
		"--token-auth-file=" + l.pkiFile("tokens.csv"),
		// The fault proxy passes on who its clients are.
		"--requestheader-client-ca-file=" + l.pkiFile("front-proxy-ca.crt"),
		"--requestheader-allowed-names=" + frontProxyName,
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + l.pkiFile("sa.pub"),
		"--service-account-signing-key-file=" + l.pkiFile("sa.key"),
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=" + serviceRange,
		"--allow-privileged=true",
		"--endpoint-reconciler-type=none",
		"--egress-selector-config-file=" + l.egressConfig(),
		"--http2-max-streams-per-connection=1000",
		"--profiling=false",
	}
}

func controllerManagerArgs(l layout) []string {
	return []string{
		"--kubeconfig=" + l.pkiFile("controller-manager.kubeconfig"),
		"--service-account-private-key-file=" + l.pkiFile("sa.key"),
		"--root-ca-file=" + l.pkiFile("ca.crt"),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
		// Nobody renews the simulated nodes' leases.
		"--controllers=*,-node-lifecycle-controller",
	}
}

func schedulerArgs(l layout) []string {
	return []string{
		"--kubeconfig=" + l.pkiFile("scheduler.kubeconfig"),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	}
}
