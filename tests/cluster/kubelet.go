package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

const kubeletWorkers = 8

// kubelet plays the kubelets of all nodes: it moves the pods that the real
// scheduler bound, without any container.
type kubelet struct {
	*reconciler
	client  kubernetes.Interface
	pods    corelisters.PodLister
	objects *objectStore
	rules   *podRules

	mu    sync.Mutex
	event map[types.UID]string // the last event of each pod, so that it isn't repeated
}

func newKubelet(p *play) (runner, error) {
	k := &kubelet{
		client: p.client, pods: p.core.Core().V1().Pods().Lister(),
		objects: p.objects, rules: p.rules, event: map[types.UID]string{},
	}
	k.reconciler = newReconciler("kubelet", kubeletWorkers, k.sync)
	p.rules.onChange = func() { k.addAll(metav1.NamespaceAll) }
	core := p.core.Core().V1()
	if _, err := core.Pods().Informer().AddEventHandler(onKey(k.add)); err != nil {
		return nil, err
	}
	// What a waiting pod needs may have come.
	for _, informer := range []cache.SharedIndexInformer{core.Secrets().Informer(), core.ConfigMaps().Informer()} {
		_, err := informer.AddEventHandler(onAnyEvent(func(object metav1.Object) { k.addAll(object.GetNamespace()) }))
		if err != nil {
			return nil, err
		}
	}
	return k, nil
}

// addAll looks again at a namespace's pods that can still change.
func (k *kubelet) addAll(namespace string) {
	pods, err := k.pods.Pods(namespace).List(labels.Everything())
	if err != nil {
		return // the cache's own index can't fail
	}
	for _, pod := range pods {
		if !isFinished(pod) {
			k.add(pod.Namespace + "/" + pod.Name)
		}
	}
}

func isFinished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func (k *kubelet) sync(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return err
	}
	pod, err := k.pods.Pods(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if pod.Spec.NodeName == "" {
		return nil
	}
	if pod.DeletionTimestamp != nil {
		return k.remove(ctx, pod)
	}
	if isFinished(pod) {
		return nil
	}
	fate := decide(pod, k.rules.forPod(pod), k.missing(pod))
	status := statusOf(pod, fate, metav1.NewTime(time.Now().Truncate(time.Second)))
	if !equality.Semantic.DeepEqual(pod.Status, status) {
		changed := pod.DeepCopy()
		changed.Status = status
		_, err := k.client.CoreV1().Pods(namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return k.tell(ctx, pod, fate)
}

// remove ends a pod that is being deleted: nothing runs, so nothing is waited
// for.
func (k *kubelet) remove(ctx context.Context, pod *corev1.Pod) error {
	k.mu.Lock()
	delete(k.event, pod.UID)
	k.mu.Unlock()
	err := k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: new(int64),
		Preconditions:      metav1.NewUIDPreconditions(string(pod.UID)),
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// tell writes the event that a kubelet would write about a pod, once.
func (k *kubelet) tell(ctx context.Context, pod *corev1.Pod, f fate) error {
	text := f.eventReason + f.eventMessage
	k.mu.Lock()
	told := k.event[pod.UID] == text
	k.event[pod.UID] = text
	k.mu.Unlock()
	if told || text == "" {
		return nil
	}
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace,
			Name:      fmt.Sprintf("%s.%x", pod.Name, now.UnixNano()),
		},
		InvolvedObject: corev1.ObjectReference{
			Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name,
			UID: pod.UID, ResourceVersion: pod.ResourceVersion, FieldPath: f.eventField(),
		},
		Type: corev1.EventTypeWarning, Reason: f.eventReason, Message: f.eventMessage,
		Source:         corev1.EventSource{Component: "kubelet", Host: pod.Spec.NodeName},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
		ReportingController: "kubelet", ReportingInstance: pod.Spec.NodeName,
	}
	_, err := k.client.CoreV1().Events(pod.Namespace).Create(ctx, event, metav1.CreateOptions{})
	if apierrors.IsForbidden(err) {
		return nil // the namespace is being deleted
	}
	return err
}

// podIP is only a value. It comes from the uid, so that nobody has to keep
// account of addresses.
func podIP(pod *corev1.Pod) string {
	h := hash32(string(pod.UID))
	return fmt.Sprintf("10.%d.%d.%d", 128+h>>16&0x7f, h>>8&0xff, 1+h%250)
}

func hash32(text string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(text)) // never fails
	return h.Sum32()
}

// imageID makes a digest out of an image's name.
func imageID(image string) string {
	return fmt.Sprintf("%s@sha256:%064x", image, hash32(image))
}
