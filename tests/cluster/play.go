package main

import (
	"context"
	"fmt"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apiextensionsinformers "k8s.io/apiextensions-apiserver/pkg/client/informers/externalversions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// play is everything that would need containers: nodes, webhooks' servers and
// the controllers that the releases bring along. Its parts share one client
// and one set of informers.
type play struct {
	client    kubernetes.Interface
	crdClient apiextensions.Interface
	dynamic   dynamic.Interface
	core      informers.SharedInformerFactory
	crds      apiextensionsinformers.SharedInformerFactory
	pki       *pki

	rules    *podRules
	withheld *withheldNames
	services *services
	webhooks *webhookTable
	egress   *egress
	objects  *objectStore
}

// A part registers its event handlers and returns what is to run once the
// informers have synced.
type part func(p *play) (runner, error)

type runner interface {
	run(ctx context.Context)
}

// parts are the players, each in a file of its own.
var parts = []part{
	newKubelet,
	newInjector,
	newRootCertPublisher,
	newProvisioner,
	newLoadBalancers,
	newCertManager,
}

func startPlay(ctx context.Context, l layout, p *pki, config *rest.Config) (*play, error) {
	config = playedClient(config, "cluster-play")
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	crdClient, err := apiextensions.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	// Custom resources have no protobuf.
	plain := rest.CopyConfig(config)
	plain.ContentType, plain.AcceptContentTypes = "application/json", "application/json"
	dynamicClient, err := dynamic.NewForConfig(plain)
	if err != nil {
		return nil, err
	}
	s := &play{
		client: client, crdClient: crdClient, dynamic: dynamicClient, pki: p,
		core:     informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(slim)),
		crds:     apiextensionsinformers.NewSharedInformerFactoryWithOptions(crdClient, 0, apiextensionsinformers.WithTransform(slimCRD)),
		rules:    newPodRules(),
		withheld: &withheldNames{},
		webhooks: newWebhookTable(),
	}
	if s.services, err = newServices(s.core); err != nil {
		return nil, err
	}
	s.objects = newObjectStore(s.core)
	var runners []runner
	for _, new := range parts {
		r, err := new(s)
		if err != nil {
			return nil, err
		}
		runners = append(runners, r)
	}
	if s.egress, err = startEgress(l, p, s.services, s.webhooks); err != nil {
		return nil, err
	}
	if err := createNodes(ctx, client); err != nil {
		return nil, err
	}
	if err := createStorageClass(ctx, client); err != nil {
		return nil, err
	}
	s.core.Start(ctx.Done())
	s.crds.Start(ctx.Done())
	for kind, synced := range s.core.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return nil, fmt.Errorf("informer of %v didn't sync", kind)
		}
	}
	for kind, synced := range s.crds.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return nil, fmt.Errorf("informer of %v didn't sync", kind)
		}
	}
	for _, r := range runners {
		go r.run(ctx)
	}
	return s, nil
}

// waitReady waits for what a first client needs: pods can only be made once
// the controller manager has made the namespace's service account.
func (s *play) waitReady(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := s.client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the controller manager isn't ready: %w", err)
		}
	}
}

func (s *play) close() {
	if s.egress != nil {
		s.egress.close()
	}
}
