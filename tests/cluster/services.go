package main

import (
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

const (
	byClusterIP = "clusterIP"
	bySlice     = "service"
)

// services knows each Service's cluster IP and whether it has a ready
// endpoint, and tells the other parts when that changes.
type services struct {
	byIP   cache.Indexer
	slices cache.Indexer

	mu        sync.Mutex
	ready     map[types.NamespacedName]bool
	listeners []func(types.NamespacedName)
}

func newServices(core informers.SharedInformerFactory) (*services, error) {
	services := &services{ready: map[types.NamespacedName]bool{}}
	serviceInformer := core.Core().V1().Services().Informer()
	err := serviceInformer.AddIndexers(cache.Indexers{byClusterIP: func(object any) ([]string, error) {
		return object.(*corev1.Service).Spec.ClusterIPs, nil
	}})
	if err != nil {
		return nil, fmt.Errorf("index services: %w", err)
	}
	sliceInformer := core.Discovery().V1().EndpointSlices().Informer()
	err = sliceInformer.AddIndexers(cache.Indexers{bySlice: func(object any) ([]string, error) {
		return []string{sliceOwner(object.(*discoveryv1.EndpointSlice)).String()}, nil
	}})
	if err != nil {
		return nil, fmt.Errorf("index endpoint slices: %w", err)
	}
	services.byIP = serviceInformer.GetIndexer()
	services.slices = sliceInformer.GetIndexer()
	_, err = sliceInformer.AddEventHandler(onAnyEvent(func(slice *discoveryv1.EndpointSlice) {
		services.refresh(sliceOwner(slice))
	}))
	return services, err
}

func sliceOwner(slice *discoveryv1.EndpointSlice) types.NamespacedName {
	return types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
}

// onChange registers a listener before the informers start.
func (s *services) onChange(listener func(types.NamespacedName)) {
	s.listeners = append(s.listeners, listener)
}

func (s *services) refresh(name types.NamespacedName) {
	now := s.compute(name)
	s.mu.Lock()
	before := s.ready[name]
	s.ready[name] = now
	s.mu.Unlock()
	if before != now {
		for _, listener := range s.listeners {
			listener(name)
		}
	}
}

func (s *services) compute(name types.NamespacedName) bool {
	objects, err := s.slices.ByIndex(bySlice, name.String())
	if err != nil {
		return false
	}
	for _, object := range objects {
		for _, endpoint := range object.(*discoveryv1.EndpointSlice).Endpoints {
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				return true
			}
		}
	}
	return false
}

// isReady says whether a Service has a ready endpoint.
func (s *services) isReady(name types.NamespacedName) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready[name]
}

// atIP returns the Service with a cluster IP and a port.
func (s *services) atIP(ip string, port int32) (types.NamespacedName, error) {
	objects, err := s.byIP.ByIndex(byClusterIP, ip)
	if err != nil {
		return types.NamespacedName{}, err
	}
	for _, object := range objects {
		service := object.(*corev1.Service)
		name := types.NamespacedName{Namespace: service.Namespace, Name: service.Name}
		for _, p := range service.Spec.Ports {
			if p.Port == port {
				return name, nil
			}
		}
		return name, fmt.Errorf("service %s has no port %d", name, port)
	}
	return types.NamespacedName{}, fmt.Errorf("no service has the address %s", ip)
}

// anyReady says whether any Service of a name (a pattern) has a ready endpoint.
func (s *services) anyReady(pattern string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, ready := range s.ready {
		if ready && matchPattern(pattern, name.Name) {
			return true
		}
	}
	return false
}
