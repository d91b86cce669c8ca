package main

import (
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// What happens to the pods of a workload.
const (
	podHold     = "hold"      // runs, but isn't ready
	podCrash    = "crash"     // CrashLoopBackOff; a pod that isn't restarted fails
	podPullFail = "pull-fail" // ImagePullBackOff
)

// podRule is a workload (Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or
// Pod) and what happens to its pods.
type podRule struct {
	selector
	Mode      string `json:"mode"`
	Container string `json:"container,omitempty"` // pattern; also an init container's; default: the first container
	Message   string `json:"message,omitempty"`
	ExitCode  int32  `json:"exitCode,omitempty"` // of crash, default 1
}

// podRules are the rules in force. The last one that fits a pod counts.
type podRules struct {
	mu       sync.Mutex
	rules    []podRule
	onChange func() // looks at every pod again
}

func newPodRules() *podRules { return &podRules{onChange: func() {}} }

func (r *podRules) add(rule podRule) error {
	if err := checkPatterns(rule.Namespace, rule.Kind, rule.Name, rule.Container); err != nil {
		return err
	}
	r.mu.Lock()
	r.rules = append(r.rules, rule)
	r.mu.Unlock()
	r.onChange()
	return nil
}

// release removes the rules that were made with these very patterns (an empty
// one stands for all) and returns how many.
func (r *podRules) release(s selector) int {
	r.mu.Lock()
	before := len(r.rules)
	r.rules = slices.DeleteFunc(r.rules, func(rule podRule) bool { return s.names(rule.selector) })
	released := before - len(r.rules)
	r.mu.Unlock()
	r.onChange()
	return released
}

func (r *podRules) list() []podRule {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]podRule{}, r.rules...)
}

// forPod returns the rule for a pod, nil if there is none.
func (r *podRules) forPod(pod *corev1.Pod) *podRule {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.rules) - 1; i >= 0; i-- {
		rule := r.rules[i]
		if slices.ContainsFunc(workloadsOf(pod), rule.selector.matches) {
			return &rule
		}
	}
	return nil
}

// workloadsOf returns the pod itself and all that it belongs to.
func workloadsOf(pod *corev1.Pod) []selector {
	all := []selector{{pod.Namespace, "Pod", pod.Name}}
	for _, owner := range pod.OwnerReferences {
		all = append(all, selector{pod.Namespace, owner.Kind, owner.Name})
		hash := pod.Labels["pod-template-hash"]
		if name, ok := strings.CutSuffix(owner.Name, "-"+hash); ok && owner.Kind == "ReplicaSet" && hash != "" {
			all = append(all, selector{pod.Namespace, "Deployment", name})
		}
	}
	return all
}
