package main

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// fate is what is to become of a pod now.
type fate struct {
	phase corev1.PodPhase
	ready bool // of a running pod

	// A pod that can't go on waits in one container ("" for all of them, when
	// they can't even be created) with a reason.
	waits         bool
	container     string
	reason        string
	message       string
	crashed       bool // it has run before, and ended with
	exitCode      int32
	termination   string
	eventReason   string
	eventMessage  string
	initContainer bool // the container is an init container
}

func (f fate) eventField() string {
	if f.container == "" {
		return ""
	}
	if f.initContainer {
		return fmt.Sprintf("spec.initContainers{%s}", f.container)
	}
	return fmt.Sprintf("spec.containers{%s}", f.container)
}

// decide is the kubelet's and the containers' mind: a pure function.
func decide(pod *corev1.Pod, rule *podRule, missing *missingNeed) fate {
	if missing != nil {
		return waitForNeed(pod, missing)
	}
	if rule != nil {
		return followRule(pod, rule)
	}
	if pod.Spec.RestartPolicy != corev1.RestartPolicyAlways {
		// Whatever may end, a Job's pod above all, has ended well.
		return fate{phase: corev1.PodSucceeded}
	}
	return fate{phase: corev1.PodRunning, ready: true}
}

func waitForNeed(pod *corev1.Pod, m *missingNeed) fate {
	f := fate{phase: corev1.PodPending, waits: true}
	if m.volume != "" {
		f.reason = "ContainerCreating"
		f.eventReason = "FailedMount"
		f.eventMessage = fmt.Sprintf("MountVolume.SetUp failed for volume %q : %s", m.volume, m.message)
		return f
	}
	f.container, f.initContainer = m.container, isInitContainer(pod, m.container)
	f.reason, f.message = "CreateContainerConfigError", m.message
	f.eventReason, f.eventMessage = "Failed", "Error: "+m.message
	return f
}

func followRule(pod *corev1.Pod, rule *podRule) fate {
	container := chosenContainer(pod, rule.Container)
	f := fate{container: container.Name, initContainer: isInitContainer(pod, container.Name)}
	switch rule.Mode {
	case podHold:
		f.phase = corev1.PodRunning
		f.eventReason = "Unhealthy"
		f.eventMessage = "Readiness probe failed: " + cmp.Or(rule.Message, "HTTP probe failed with statuscode: 503")
	case podPullFail:
		f.phase, f.waits = corev1.PodPending, true
		cause := cmp.Or(rule.Message, "not found")
		f.reason = "ImagePullBackOff"
		f.message = fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", container.Image, cause)
		f.eventReason = "Failed"
		f.eventMessage = fmt.Sprintf("Failed to pull image %q: %s", container.Image, cause)
	case podCrash:
		f.exitCode = cmp.Or(rule.ExitCode, 1)
		f.termination = rule.Message
		f.crashed = true
		name := fmt.Sprintf("%s pod=%s_%s(%s)", container.Name, pod.Name, pod.Namespace, pod.UID)
		if pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
			f.phase = corev1.PodFailed
			break
		}
		f.waits = true
		f.phase = corev1.PodRunning
		if f.initContainer {
			f.phase = corev1.PodPending
		}
		f.reason = "CrashLoopBackOff"
		f.message = "back-off 2m40s restarting failed container=" + name
		f.eventReason = "BackOff"
		f.eventMessage = fmt.Sprintf("Back-off restarting failed container %s in pod %s_%s(%s)",
			container.Name, pod.Name, pod.Namespace, pod.UID)
	}
	return f
}

// chosenContainer is the first that fits the pattern, else the pod's first.
func chosenContainer(pod *corev1.Pod, pattern string) corev1.Container {
	if pattern != "" {
		for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
			for _, c := range containers {
				if matchPattern(pattern, c.Name) {
					return c
				}
			}
		}
	}
	return pod.Spec.Containers[0]
}

func isInitContainer(pod *corev1.Pod, name string) bool {
	for _, c := range pod.Spec.InitContainers {
		if c.Name == name {
			return true
		}
	}
	return false
}
