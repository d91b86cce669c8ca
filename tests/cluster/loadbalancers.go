package main

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// As a cloud's controller does, a load balancer holds its Service until it has
// been taken down.
const loadBalancerFinalizer = "service.kubernetes.io/load-balancer-cleanup"

// loadBalancers plays a cloud: each Service of type LoadBalancer gets an
// address, of the range that is reserved for documentation.
type loadBalancers struct {
	*reconciler
	client   kubernetes.Interface
	services corelisters.ServiceLister
}

func newLoadBalancers(p *play) (runner, error) {
	services := p.core.Core().V1().Services()
	b := &loadBalancers{client: p.client, services: services.Lister()}
	b.reconciler = newReconciler("load balancers", 1, b.sync)
	_, err := services.Informer().AddEventHandler(onKey(b.add))
	return b, err
}

func (b *loadBalancers) sync(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return err
	}
	service, err := b.services.Services(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	wanted := service.Spec.Type == corev1.ServiceTypeLoadBalancer && service.Spec.LoadBalancerClass == nil &&
		service.DeletionTimestamp == nil
	held := slices.Contains(service.Finalizers, loadBalancerFinalizer)
	addressed := len(service.Status.LoadBalancer.Ingress) != 0
	service = service.DeepCopy()
	api := b.client.CoreV1().Services(namespace)
	switch {
	case wanted && !held:
		// The update's event comes back here for the address.
		service.Finalizers = append(service.Finalizers, loadBalancerFinalizer)
		_, err = api.Update(ctx, service, metav1.UpdateOptions{})
	case wanted && !addressed:
		service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: loadBalancerIP(service)}}
		_, err = api.UpdateStatus(ctx, service, metav1.UpdateOptions{})
	case !wanted && held && addressed:
		service.Status.LoadBalancer.Ingress = nil
		_, err = api.UpdateStatus(ctx, service, metav1.UpdateOptions{})
	case !wanted && held:
		service.Finalizers = slices.DeleteFunc(service.Finalizers, func(f string) bool { return f == loadBalancerFinalizer })
		_, err = api.Update(ctx, service, metav1.UpdateOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func loadBalancerIP(service *corev1.Service) string {
	if service.Spec.LoadBalancerIP != "" {
		return service.Spec.LoadBalancerIP
	}
	return fmt.Sprintf("192.0.2.%d", 1+hash32(string(service.UID))%254)
}
