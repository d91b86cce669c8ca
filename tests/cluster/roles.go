package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"

	// What the real servers' own main packages register.
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

const (
	roleEtcd              = "etcd"
	roleAPIServer         = "kube-apiserver"
	roleControllerManager = "kube-controller-manager"
	roleScheduler         = "kube-scheduler"
)

var roleNames = []string{roleEtcd, roleAPIServer, roleControllerManager, roleScheduler}

// runRole is a child's main: it becomes one of the real servers.
func runRole(args []string) error {
	if len(args) == 0 || !slices.Contains(roleNames, args[0]) {
		return fmt.Errorf("%w: role takes one of %v", errUsage, roleNames)
	}
	name, rest := args[0], args[1:]
	if name == roleEtcd {
		return runEtcd(rest)
	}
	// The constructors have side effects (signal handlers), so only the one
	// that is wanted may run.
	var command *cobra.Command
	switch name {
	case roleAPIServer:
		command = apiserver.NewAPIServerCommand()
	case roleControllerManager:
		command = controllermanager.NewControllerManagerCommand()
	case roleScheduler:
		command = scheduler.NewSchedulerCommand()
	}
	command.SetArgs(rest)
	os.Exit(cli.Run(command))
	return nil
}
