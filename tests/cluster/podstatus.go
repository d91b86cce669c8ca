package main

import (
	"crypto/sha256"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// crashRestarts is how often a crashing container has been restarted when it
// is first seen in CrashLoopBackOff.
const crashRestarts = 5

// statusOf returns the status that a kubelet would write for a pod's fate. It
// starts from the present one, so that times and counts stay when nothing
// changed: then the result is equal to what the pod has.
func statusOf(pod *corev1.Pod, f fate, now metav1.Time) corev1.PodStatus {
	s := *pod.Status.DeepCopy()
	s.Phase = f.phase
	s.ObservedGeneration = pod.Status.ObservedGeneration
	if s.StartTime == nil {
		s.StartTime = &now
	}
	s.HostIP = nodeIP(pod.Spec.NodeName)
	s.HostIPs = []corev1.HostIP{{IP: s.HostIP}}
	if !f.waits || f.container != "" {
		// The pod's sandbox has its network, whatever the containers do.
		s.PodIP = podIP(pod)
		if pod.Spec.HostNetwork {
			s.PodIP = s.HostIP
		}
		s.PodIPs = []corev1.PodIP{{IP: s.PodIP}}
	}
	writer := &statusWriter{pod: pod, fate: f, now: now}
	s.InitContainerStatuses = writer.containers(pod.Spec.InitContainers, s.InitContainerStatuses, true)
	s.ContainerStatuses = writer.containers(pod.Spec.Containers, s.ContainerStatuses, false)
	writer.conditions(&s)
	return s
}

type statusWriter struct {
	pod  *corev1.Pod
	fate fate
	now  metav1.Time
}

// stage is how far a container has come.
type stage int

const (
	stageWaiting stage = iota // its turn hasn't come
	stageStuck                // it is the one that can't go on
	stageRunning
	stageDone
)

// stage of the container at a position. Init containers run one after the
// other, before all others; one with restartPolicy Always stays.
func (w *statusWriter) stage(containers []corev1.Container, i int, init bool) stage {
	f := w.fate
	if f.waits && f.container == "" {
		return stageWaiting
	}
	stuck := f.waits || f.crashed
	if stuck && containers[i].Name == f.container && init == f.initContainer {
		return stageStuck
	}
	if stuck && f.initContainer {
		if !init || w.comesAfterStuck(containers, i) {
			return stageWaiting
		}
	}
	finished := f.phase == corev1.PodSucceeded || f.phase == corev1.PodFailed
	if finished || (init && !staysRunning(containers[i])) {
		return stageDone
	}
	return stageRunning
}

func (w *statusWriter) comesAfterStuck(containers []corev1.Container, i int) bool {
	for _, c := range containers[:i] {
		if c.Name == w.fate.container {
			return true
		}
	}
	return false
}

func staysRunning(c corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

func (w *statusWriter) containers(containers []corev1.Container, old []corev1.ContainerStatus, init bool) []corev1.ContainerStatus {
	if len(containers) == 0 {
		return nil
	}
	byName := map[string]corev1.ContainerStatus{}
	for _, status := range old {
		byName[status.Name] = status
	}
	statuses := make([]corev1.ContainerStatus, 0, len(containers))
	for i, c := range containers {
		at := w.stage(containers, i, init)
		statuses = append(statuses, w.container(c, byName[c.Name], at, init))
	}
	return statuses
}

func (w *statusWriter) container(c corev1.Container, old corev1.ContainerStatus, at stage, init bool) corev1.ContainerStatus {
	s := corev1.ContainerStatus{
		Name: c.Name, Image: c.Image, RestartCount: old.RestartCount,
		LastTerminationState: old.LastTerminationState,
	}
	started := at == stageRunning
	s.Started = &started
	switch at {
	case stageWaiting:
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: w.waitingReason(init)}
		return s
	case stageStuck:
		w.stuck(&s, old)
	case stageRunning:
		s.Ready = w.fate.ready || w.fate.waits || init || c.Name != w.fate.container
		w.running(&s, old)
	case stageDone:
		s.Ready = init
		w.terminated(&s, old, 0, "Completed", "")
	}
	if at != stageStuck || w.fate.crashed {
		s.ImageID = imageID(c.Image)
		s.ContainerID = w.containerID(c.Name, s.RestartCount)
		if t := s.State.Terminated; t != nil {
			t.ContainerID = s.ContainerID
		}
	}
	return s
}

func (w *statusWriter) waitingReason(init bool) string {
	if !init && len(w.pod.Spec.InitContainers) == 0 && w.fate.container == "" {
		return w.fate.reason
	}
	return "PodInitializing"
}

// stuck is the container that can't go on.
func (w *statusWriter) stuck(s *corev1.ContainerStatus, old corev1.ContainerStatus) {
	f := w.fate
	if !f.waits { // it failed, and isn't started again
		w.terminated(s, old, f.exitCode, "Error", f.termination)
		return
	}
	s.State.Waiting = &corev1.ContainerStateWaiting{Reason: f.reason, Message: f.message}
	if f.crashed {
		if old.State.Waiting == nil || old.State.Waiting.Reason != f.reason {
			s.RestartCount = old.RestartCount + crashRestarts
			s.LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: f.exitCode, Reason: "Error", Message: f.termination,
				StartedAt: w.now, FinishedAt: w.now,
				ContainerID: w.containerID(s.Name, s.RestartCount),
			}}
		}
	}
}

func (w *statusWriter) running(s *corev1.ContainerStatus, old corev1.ContainerStatus) {
	if old.State.Running != nil {
		s.State.Running = old.State.Running
		return
	}
	s.State.Running = &corev1.ContainerStateRunning{StartedAt: w.now}
	if old.State.Waiting != nil && old.LastTerminationState.Terminated != nil {
		s.RestartCount = old.RestartCount + 1 // out of CrashLoopBackOff
	}
}

func (w *statusWriter) terminated(s *corev1.ContainerStatus, old corev1.ContainerStatus, code int32, reason, message string) {
	if t := old.State.Terminated; t != nil && t.ExitCode == code {
		s.State.Terminated = t
		return
	}
	s.State.Terminated = &corev1.ContainerStateTerminated{
		ExitCode: code, Reason: reason, Message: message, StartedAt: w.now, FinishedAt: w.now,
	}
}

func (w *statusWriter) containerID(name string, restarts int32) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", w.pod.UID, name, restarts))
	return fmt.Sprintf("simulated://%x", sum)
}

func (w *statusWriter) conditions(s *corev1.PodStatus) {
	set := func(kind corev1.PodConditionType, ok bool, reason, message string) {
		status := corev1.ConditionTrue
		if !ok {
			status = corev1.ConditionFalse
		}
		w.condition(s, corev1.PodCondition{Type: kind, Status: status, Reason: reason, Message: message})
	}
	f := w.fate
	unready := notReady(s.ContainerStatuses)
	uninitialized := notReady(withoutDone(s.InitContainerStatuses))
	set(corev1.PodReadyToStartContainers, s.PodIP != "" && !isFinished(&corev1.Pod{Status: *s}), "", "")
	switch {
	case f.phase == corev1.PodSucceeded:
		set(corev1.PodInitialized, true, "PodCompleted", "")
		set(corev1.PodReady, false, "PodCompleted", "")
		set(corev1.ContainersReady, false, "PodCompleted", "")
		return
	case f.phase == corev1.PodFailed:
		set(corev1.PodInitialized, !f.initContainer, "", "")
		set(corev1.PodReady, false, "PodFailed", "")
		set(corev1.ContainersReady, false, "PodFailed", "")
		return
	}
	if len(uninitialized) != 0 {
		set(corev1.PodInitialized, false, "ContainersNotInitialized",
			fmt.Sprintf("containers with incomplete status: [%s]", strings.Join(uninitialized, " ")))
	} else {
		set(corev1.PodInitialized, true, "", "")
	}
	reason, message := "", ""
	if len(unready) != 0 {
		reason = "ContainersNotReady"
		message = fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))
	}
	set(corev1.ContainersReady, len(unready) == 0, reason, message)
	set(corev1.PodReady, len(unready) == 0, reason, message)
}

func notReady(statuses []corev1.ContainerStatus) []string {
	var names []string
	for _, s := range statuses {
		if !s.Ready {
			names = append(names, s.Name)
		}
	}
	return names
}

func withoutDone(statuses []corev1.ContainerStatus) []corev1.ContainerStatus {
	var rest []corev1.ContainerStatus
	for _, s := range statuses {
		if s.State.Terminated == nil || s.State.Terminated.ExitCode != 0 {
			rest = append(rest, s)
		}
	}
	return rest
}

// condition sets a condition; its time changes only with its status.
func (w *statusWriter) condition(s *corev1.PodStatus, want corev1.PodCondition) {
	for i := range s.Conditions {
		have := &s.Conditions[i]
		if have.Type != want.Type {
			continue
		}
		if have.Status != want.Status {
			have.LastTransitionTime = w.now
		}
		have.Status, have.Reason, have.Message = want.Status, want.Reason, want.Message
		return
	}
	want.LastTransitionTime = w.now
	s.Conditions = append(s.Conditions, want)
}
