package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
)

const (
	rootCertName  = "istio-ca-root-cert"
	istiodService = "istiod*" // a revision adds a suffix
)

// rootCertPublisher plays the part of istiod that puts its root certificate
// into each namespace, once an istiod is ready. The gateways mount it.
type rootCertPublisher struct {
	*reconciler
	client     kubernetes.Interface
	namespaces corelisters.NamespaceLister
	configMaps corelisters.ConfigMapLister
	services   *services
	withheld   *withheldNames
	root       []byte
}

func newRootCertPublisher(p *play) (runner, error) {
	core := p.core.Core().V1()
	r := &rootCertPublisher{
		client: p.client, namespaces: core.Namespaces().Lister(), configMaps: core.ConfigMaps().Lister(),
		services: p.services, withheld: p.withheld, root: p.pki.workloadCA.pem,
	}
	r.reconciler = newReconciler("istiod's root certificate", 1, r.sync)
	if _, err := core.Namespaces().Informer().AddEventHandler(onKey(r.add)); err != nil {
		return nil, err
	}
	_, err := core.ConfigMaps().Informer().AddEventHandler(onAnyEvent(func(c *corev1.ConfigMap) {
		if c.Name == rootCertName {
			r.add(c.Namespace)
		}
	}))
	if err != nil {
		return nil, err
	}
	p.services.onChange(func(name types.NamespacedName) {
		if matchPattern(istiodService, name.Name) {
			r.addAll()
		}
	})
	p.withheld.onChange(r.addAll)
	return r, nil
}

func (r *rootCertPublisher) addAll() {
	namespaces, _ := r.namespaces.List(labels.Everything()) // a cache's own index can't fail
	for _, n := range namespaces {
		r.add(n.Name)
	}
}

func (r *rootCertPublisher) sync(ctx context.Context, namespace string) error {
	if !r.services.anyReady(istiodService) || r.withheld.has("ConfigMap", namespace, rootCertName) {
		return nil
	}
	n, err := r.namespaces.Get(namespace)
	if err != nil || n.DeletionTimestamp != nil {
		return nil // gone or going
	}
	if _, err := r.configMaps.ConfigMaps(namespace).Get(rootCertName); err == nil {
		return nil
	}
	_, err = r.client.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: rootCertName, Labels: map[string]string{"istio.io/config": "true"}},
		Data:       map[string]string{"root-cert.pem": string(r.root)},
	}, metav1.CreateOptions{FieldManager: "pilot-discovery"})
	if apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err) ||
		apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return nil
	}
	return err
}
