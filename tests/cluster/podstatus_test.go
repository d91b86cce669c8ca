package main

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func testPod(restart corev1.RestartPolicy) *corev1.Pod {
	always := corev1.ContainerRestartPolicyAlways
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web-abc-1", UID: "uid", Labels: map[string]string{
			"pod-template-hash": "abc",
		}, OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web-abc"}}},
		Spec: corev1.PodSpec{
			NodeName:      "node-0",
			RestartPolicy: restart,
			InitContainers: []corev1.Container{
				{Name: "setup", Image: "setup"}, {Name: "sidecar", Image: "sidecar", RestartPolicy: &always},
			},
			Containers: []corev1.Container{{Name: "main", Image: "main"}, {Name: "other", Image: "other"}},
		},
	}
}

// summary is a pod's status in few words: phase, then each container's state.
func summary(s corev1.PodStatus) string {
	text := string(s.Phase)
	for _, statuses := range [][]corev1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses} {
		for _, c := range statuses {
			text += " " + c.Name + "="
			switch {
			case c.State.Waiting != nil:
				text += c.State.Waiting.Reason
			case c.State.Terminated != nil:
				text += c.State.Terminated.Reason
			case c.Ready:
				text += "ready"
			default:
				text += "unready"
			}
		}
	}
	return text
}

func TestStatusOf(t *testing.T) {
	always, never := corev1.RestartPolicyAlways, corev1.RestartPolicyNever
	for _, test := range []struct {
		name    string
		restart corev1.RestartPolicy
		rule    *podRule
		missing *missingNeed
		want    string
	}{
		{"runs", always, nil, nil, "Running setup=Completed sidecar=ready main=ready other=ready"},
		{"finishes", never, nil, nil, "Succeeded setup=Completed sidecar=Completed main=Completed other=Completed"},
		{"is held", always, &podRule{Mode: podHold}, nil, "Running setup=Completed sidecar=ready main=unready other=ready"},
		{"crashes", always, &podRule{Mode: podCrash, Container: "oth*"}, nil,
			"Running setup=Completed sidecar=ready main=ready other=CrashLoopBackOff"},
		{"crashes while it starts", always, &podRule{Mode: podCrash, Container: "setup"}, nil,
			"Pending setup=CrashLoopBackOff sidecar=PodInitializing main=PodInitializing other=PodInitializing"},
		{"fails", never, &podRule{Mode: podCrash}, nil, "Failed setup=Completed sidecar=Completed main=Error other=Completed"},
		{"has no image", always, &podRule{Mode: podPullFail}, nil,
			"Pending setup=Completed sidecar=ready main=ImagePullBackOff other=ready"},
		{"has no volume", always, nil, &missingNeed{need{volume: "v"}, "secret \"s\" not found"},
			"Pending setup=PodInitializing sidecar=PodInitializing main=PodInitializing other=PodInitializing"},
		{"has no environment", always, nil, &missingNeed{need{container: "main"}, "secret \"s\" not found"},
			"Pending setup=Completed sidecar=ready main=CreateContainerConfigError other=ready"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := testPod(test.restart)
			now := metav1.NewTime(time.Unix(1000, 0))
			fate := decide(pod, test.rule, test.missing)
			pod.Status = statusOf(pod, fate, now)
			if got := summary(pod.Status); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			// A status that changes by itself would be written for ever.
			again := statusOf(pod, fate, metav1.NewTime(time.Unix(2000, 0)))
			if !equality.Semantic.DeepEqual(pod.Status, again) {
				t.Errorf("isn't stable:\n%+v\n%+v", pod.Status, again)
			}
		})
	}
}

func TestRecoversFromCrash(t *testing.T) {
	pod := testPod(corev1.RestartPolicyAlways)
	now := metav1.NewTime(time.Unix(1000, 0))
	pod.Status = statusOf(pod, decide(pod, &podRule{Mode: podCrash, ExitCode: 7, Message: "boom"}, nil), now)
	pod.Status = statusOf(pod, decide(pod, nil, nil), now)
	main := pod.Status.ContainerStatuses[0]
	if !main.Ready || main.RestartCount != crashRestarts+1 {
		t.Errorf("ready %v after %d restarts", main.Ready, main.RestartCount)
	}
	if last := main.LastTerminationState.Terminated; last == nil || last.ExitCode != 7 || last.Message != "boom" {
		t.Errorf("last termination %+v", last)
	}
}

func TestPodRulesFindTheDeployment(t *testing.T) {
	rules := newPodRules()
	if err := rules.add(podRule{selector: selector{"n*", "Deployment", "we?"}, Mode: podHold}); err != nil {
		t.Fatal(err)
	}
	if rules.forPod(testPod(corev1.RestartPolicyAlways)) == nil {
		t.Error("the rule doesn't fit")
	}
	if n := rules.release(selector{Name: "web"}); n != 0 {
		t.Errorf("released %d rules by a name that isn't its pattern", n)
	}
	if n := rules.release(selector{Name: "we?"}); n != 1 {
		t.Errorf("released %d rules", n)
	}
}

func TestPodNeeds(t *testing.T) {
	optional := true
	spec := &corev1.PodSpec{
		Volumes: []corev1.Volume{
			{Name: "a", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}},
			{Name: "b", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "o", Optional: &optional}}},
		},
		Containers: []corev1.Container{{Name: "c", Env: []corev1.EnvVar{{Name: "E", ValueFrom: &corev1.EnvVarSource{
			ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "m"}, Key: "k"},
		}}}}},
	}
	want := []need{{kind: "Secret", name: "s", volume: "a"}, {kind: "ConfigMap", name: "m", key: "k", container: "c"}}
	got := podNeeds(spec)
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v", got)
	}
}
