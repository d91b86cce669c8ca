package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	crdlisters "k8s.io/apiextensions-apiserver/pkg/client/listers/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	admissionlisters "k8s.io/client-go/listers/admissionregistration/v1"
)

const (
	injectorManager  = "cainjector"
	injectAnnotation = "cert-manager.io/inject-" // ca-from, apiserver-ca, …

	keyMutating   = "mutating"
	keyValidating = "validating"
	keyCRD        = "crd"
)

// injector plays cert-manager's cainjector and the components that write their
// own CA into their webhooks: a configuration whose Service has a ready
// endpoint gets the workloads' authority, under the field manager cainjector.
type injector struct {
	*reconciler
	client     kubernetes.Interface
	crdClient  apiextensions.Interface
	services   *services
	bundle     []byte
	mutating   admissionlisters.MutatingWebhookConfigurationLister
	validating admissionlisters.ValidatingWebhookConfigurationLister
	crds       crdlisters.CustomResourceDefinitionLister
}

func newInjector(p *play) (runner, error) {
	admission := p.core.Admissionregistration().V1()
	crds := p.crds.Apiextensions().V1().CustomResourceDefinitions()
	i := &injector{
		client: p.client, crdClient: p.crdClient, services: p.services, bundle: p.pki.workloadCA.pem,
		mutating:   admission.MutatingWebhookConfigurations().Lister(),
		validating: admission.ValidatingWebhookConfigurations().Lister(),
		crds:       crds.Lister(),
	}
	i.reconciler = newReconciler("caBundle injector", 2, i.sync)
	enqueue := func(kind string) func(string) {
		return func(name string) { i.add(kind + "/" + name) }
	}
	if _, err := admission.MutatingWebhookConfigurations().Informer().AddEventHandler(onKey(enqueue(keyMutating))); err != nil {
		return nil, err
	}
	if _, err := admission.ValidatingWebhookConfigurations().Informer().AddEventHandler(onKey(enqueue(keyValidating))); err != nil {
		return nil, err
	}
	if _, err := crds.Informer().AddEventHandler(onKey(enqueue(keyCRD))); err != nil {
		return nil, err
	}
	p.services.onChange(func(types.NamespacedName) { i.addAll() })
	return i, nil
}

// addAll looks at everything again; what already has its bundle costs nothing.
func (i *injector) addAll() {
	// A cache's own index can't fail.
	mutating, _ := i.mutating.List(labels.Everything())
	for _, c := range mutating {
		i.add(keyMutating + "/" + c.Name)
	}
	validating, _ := i.validating.List(labels.Everything())
	for _, c := range validating {
		i.add(keyValidating + "/" + c.Name)
	}
	crds, _ := i.crds.List(labels.Everything())
	for _, c := range crds {
		i.add(keyCRD + "/" + c.Name)
	}
}

func (i *injector) sync(ctx context.Context, key string) error {
	kind, name, _ := strings.Cut(key, "/")
	var err error
	switch kind {
	case keyMutating:
		err = i.syncMutating(ctx, name)
	case keyValidating:
		err = i.syncValidating(ctx, name)
	case keyCRD:
		err = i.syncCRD(ctx, name)
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (i *injector) syncMutating(ctx context.Context, name string) error {
	config, err := i.mutating.Get(name)
	if err != nil {
		return err
	}
	var patch []patchOperation
	for at, w := range config.Webhooks {
		patch = append(patch, i.patchWebhook(at, w.Name, w.ClientConfig, config.Annotations)...)
	}
	return sendPatch(patch, func(data []byte) error {
		_, err := i.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Patch(
			ctx, name, types.JSONPatchType, data, metav1.PatchOptions{FieldManager: injectorManager})
		return err
	})
}

func (i *injector) syncValidating(ctx context.Context, name string) error {
	config, err := i.validating.Get(name)
	if err != nil {
		return err
	}
	var patch []patchOperation
	for at, w := range config.Webhooks {
		patch = append(patch, i.patchWebhook(at, w.Name, w.ClientConfig, config.Annotations)...)
	}
	return sendPatch(patch, func(data []byte) error {
		_, err := i.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Patch(
			ctx, name, types.JSONPatchType, data, metav1.PatchOptions{FieldManager: injectorManager})
		return err
	})
}

func (i *injector) syncCRD(ctx context.Context, name string) error {
	crd, err := i.crds.Get(name)
	if err != nil {
		return err
	}
	c := crd.Spec.Conversion
	if c == nil || c.Strategy != apiextensionsv1.WebhookConverter || c.Webhook == nil ||
		c.Webhook.ClientConfig == nil || c.Webhook.ClientConfig.Service == nil {
		return nil
	}
	config := c.Webhook.ClientConfig
	service := types.NamespacedName{Namespace: config.Service.Namespace, Name: config.Service.Name}
	if !i.wants(service, config.CABundle, crd.Annotations) {
		return nil
	}
	patch := []patchOperation{{"add", "/spec/conversion/webhook/clientConfig/caBundle", i.bundle}}
	return sendPatch(patch, func(data []byte) error {
		_, err := i.crdClient.ApiextensionsV1().CustomResourceDefinitions().Patch(
			ctx, name, types.JSONPatchType, data, metav1.PatchOptions{FieldManager: injectorManager})
		return err
	})
}

// patchWebhook writes the bundle into the webhook at a position, if it is
// still the same one there.
func (i *injector) patchWebhook(at int, name string, config admissionv1.WebhookClientConfig, annotations map[string]string) []patchOperation {
	if config.Service == nil {
		return nil
	}
	service := types.NamespacedName{Namespace: config.Service.Namespace, Name: config.Service.Name}
	if !i.wants(service, config.CABundle, annotations) {
		return nil
	}
	path := fmt.Sprintf("/webhooks/%d/", at)
	return []patchOperation{
		{"test", path + "name", name},
		{"add", path + "clientConfig/caBundle", i.bundle},
	}
}

// wants says whether a bundle is to be written: when there is none (a
// placeholder of the releases is none either), or when the configuration asks
// for it in an annotation. A bundle that somebody put there on purpose stays.
func (i *injector) wants(service types.NamespacedName, bundle []byte, annotations map[string]string) bool {
	if bytes.Equal(bundle, i.bundle) || !i.services.isReady(service) {
		return false
	}
	block, _ := pem.Decode(bundle)
	return block == nil || len(injectAnnotations(annotations)) != 0
}

// injectAnnotations returns those with which a configuration asks for a bundle.
func injectAnnotations(all map[string]string) map[string]string {
	found := map[string]string{}
	for key, value := range all {
		if strings.HasPrefix(key, injectAnnotation) {
			found[key] = value
		}
	}
	return found
}

func sendPatch(patch []patchOperation, send func([]byte) error) error {
	if len(patch) == 0 {
		return nil
	}
	data, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	return send(data)
}
