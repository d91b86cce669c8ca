// Command cluster runs a real Kubernetes control plane on one machine, for
// tests and the demo: etcd, kube-apiserver, kube-controller-manager and
// kube-scheduler are the real ones, everything that would need containers is
// played. README.md says what is real and what is played.
//
// One binary plays every part: the supervisor starts itself again as
// "cluster role NAME …" for each of the real servers.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

const usage = `usage:
  cluster start --dir DIR [--detach] [--parent-pid PID]
  cluster stop  --dir DIR [--rm]
  cluster ctl   --dir DIR COMMAND [KEY=VALUE ... | JSON]
  cluster ctl   help
`

// errUsage marks a wrong command line: exit code 2 instead of 1.
var errUsage = errors.New("wrong usage")

func main() {
	err := run(os.Args[1:])
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "cluster: %v\n%s", err, usage)
		os.Exit(2)
	default:
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: no command", errUsage)
	}
	switch command, rest := args[0], args[1:]; command {
	case "start":
		return runStart(rest)
	case "stop":
		return runStop(rest)
	case "ctl":
		return runCtl(rest)
	case "role":
		return runRole(rest)
	case "help", "-h", "--help":
		fmt.Print(usage)
		return nil
	default:
		return fmt.Errorf("%w: no command %q", errUsage, command)
	}
}

// parseFlags reads flags and insists on --dir; what is left over is returned.
func parseFlags(name string, args []string, define func(*flag.FlagSet)) (layout, []string, error) {
	flags := flag.NewFlagSet("cluster "+name, flag.ContinueOnError)
	dir := flags.String("dir", "", "the cluster's directory")
	if define != nil {
		define(flags)
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return layout{}, nil, err
		}
		return layout{}, nil, fmt.Errorf("%w: %v", errUsage, err)
	}
	if *dir == "" {
		return layout{}, nil, fmt.Errorf("%w: --dir is missing", errUsage)
	}
	l, err := newLayout(*dir)
	return l, flags.Args(), err
}

func runStart(args []string) error {
	var opt startOptions
	l, rest, err := parseFlags("start", args, func(f *flag.FlagSet) {
		f.BoolVar(&opt.detach, "detach", false, "return when the cluster is ready and leave it running")
		f.IntVar(&opt.parentPID, "parent-pid", 0, "stop when this process ends (default: the caller, or nobody with --detach)")
		f.IntVar(&opt.readyFD, "ready-fd", 0, "internal: where --detach waits for the word that the cluster is ready")
	})
	if err != nil {
		return err
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: start takes no argument %q", errUsage, rest[0])
	}
	if opt.detach {
		return startDetached(l, opt)
	}
	return startHere(l, opt)
}

func runStop(args []string) error {
	var remove bool
	l, rest, err := parseFlags("stop", args, func(f *flag.FlagSet) {
		f.BoolVar(&remove, "rm", false, "then remove all that start wrote into the directory")
	})
	if err != nil {
		return err
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: stop takes no argument %q", errUsage, rest[0])
	}
	if err := stopRunning(l, 30*time.Second); err != nil {
		return err
	}
	if remove {
		return l.remove()
	}
	return nil
}
