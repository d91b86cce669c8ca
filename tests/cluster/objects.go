package main

import (
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// slim keeps informers small: no managed fields, and of Secrets and ConfigMaps
// only which keys they have.
func slim(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	switch o := object.(type) {
	case *corev1.Secret:
		for key := range o.Data {
			o.Data[key] = nil
		}
	case *corev1.ConfigMap:
		for key := range o.Data {
			o.Data[key] = ""
		}
		for key := range o.BinaryData {
			o.BinaryData[key] = nil
		}
	}
	return object, nil
}

// slimCRD drops the schemas, which are nearly all of a CRD.
func slimCRD(object any) (any, error) {
	if crd, ok := object.(*apiextensionsv1.CustomResourceDefinition); ok {
		crd.ManagedFields = nil
		crd.Annotations = injectAnnotations(crd.Annotations)
		for i := range crd.Spec.Versions {
			crd.Spec.Versions[i].Schema = nil
			crd.Spec.Versions[i].AdditionalPrinterColumns = nil
		}
	}
	return object, nil
}

// objectStore knows which Secrets and ConfigMaps exist and their keys.
type objectStore struct {
	secrets    corelisters.SecretLister
	configMaps corelisters.ConfigMapLister
}

func newObjectStore(core informers.SharedInformerFactory) *objectStore {
	return &objectStore{
		secrets:    core.Core().V1().Secrets().Lister(),
		configMaps: core.Core().V1().ConfigMaps().Lister(),
	}
}

// keys returns an object's keys; the second value says whether it exists.
func (s *objectStore) keys(kind, namespace, name string) (map[string]bool, bool) {
	keys := map[string]bool{}
	switch kind {
	case "Secret":
		secret, err := s.secrets.Secrets(namespace).Get(name)
		if err != nil {
			return nil, false
		}
		for key := range secret.Data {
			keys[key] = true
		}
	case "ConfigMap":
		configMap, err := s.configMaps.ConfigMaps(namespace).Get(name)
		if err != nil {
			return nil, false
		}
		for key := range configMap.Data {
			keys[key] = true
		}
		for key := range configMap.BinaryData {
			keys[key] = true
		}
	}
	return keys, true
}
