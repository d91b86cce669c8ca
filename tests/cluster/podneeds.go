package main

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// need is a Secret or ConfigMap, or one key of it, without which a pod's
// volume can't be mounted or a container's environment can't be made.
type need struct {
	kind, name, key string
	volume          string // either
	container       string // or
}

// missingNeed is a need that isn't met, and what a kubelet says about it.
type missingNeed struct {
	need
	message string
}

// missing returns the first thing that a pod waits for, nil if it has all.
// Volumes come first: they are mounted before any container starts.
func (k *kubelet) missing(pod *corev1.Pod) *missingNeed {
	for _, n := range podNeeds(&pod.Spec) {
		keys, exists := k.objects.keys(n.kind, pod.Namespace, n.name)
		lower := map[string]string{"Secret": "secret", "ConfigMap": "configmap"}[n.kind]
		switch {
		case !exists:
			return &missingNeed{n, fmt.Sprintf("%s %q not found", lower, n.name)}
		case n.key == "" || keys[n.key]:
		case n.volume != "":
			return &missingNeed{n, fmt.Sprintf("references non-existent %s key: %s",
				map[string]string{"Secret": "secret", "ConfigMap": "config"}[n.kind], n.key)}
		default:
			return &missingNeed{n, fmt.Sprintf("couldn't find key %s in %s %s/%s", n.key, n.kind, pod.Namespace, n.name)}
		}
	}
	return nil
}

func podNeeds(spec *corev1.PodSpec) []need {
	var needs []need
	for i := range spec.Volumes {
		needs = append(needs, volumeNeeds(&spec.Volumes[i])...)
	}
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			needs = append(needs, containerNeeds(&containers[i])...)
		}
	}
	return needs
}

func volumeNeeds(v *corev1.Volume) []need {
	var needs []need
	add := func(kind, name string, optional *bool, items []corev1.KeyToPath) {
		if optional != nil && *optional {
			return
		}
		needs = append(needs, need{kind: kind, name: name, volume: v.Name})
		for _, item := range items {
			needs = append(needs, need{kind: kind, name: name, key: item.Key, volume: v.Name})
		}
	}
	if s := v.Secret; s != nil {
		add("Secret", s.SecretName, s.Optional, s.Items)
	}
	if c := v.ConfigMap; c != nil {
		add("ConfigMap", c.Name, c.Optional, c.Items)
	}
	if v.Projected != nil {
		for _, source := range v.Projected.Sources {
			if s := source.Secret; s != nil {
				add("Secret", s.Name, s.Optional, s.Items)
			}
			if c := source.ConfigMap; c != nil {
				add("ConfigMap", c.Name, c.Optional, c.Items)
			}
		}
	}
	return needs
}

func containerNeeds(c *corev1.Container) []need {
	var needs []need
	add := func(kind, name, key string, optional *bool) {
		if optional == nil || !*optional {
			needs = append(needs, need{kind: kind, name: name, key: key, container: c.Name})
		}
	}
	for _, from := range c.EnvFrom {
		if s := from.SecretRef; s != nil {
			add("Secret", s.Name, "", s.Optional)
		}
		if m := from.ConfigMapRef; m != nil {
			add("ConfigMap", m.Name, "", m.Optional)
		}
	}
	for _, env := range c.Env {
		if env.ValueFrom == nil {
			continue
		}
		if s := env.ValueFrom.SecretKeyRef; s != nil {
			add("Secret", s.Name, s.Key, s.Optional)
		}
		if m := env.ValueFrom.ConfigMapKeyRef; m != nil {
			add("ConfigMap", m.Name, m.Key, m.Optional)
		}
	}
	return needs
}
