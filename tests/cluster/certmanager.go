package main

import (
	"context"
	"crypto/x509/pkix"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiextensions-apiserver/pkg/apihelpers"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdlisters "k8s.io/apiextensions-apiserver/pkg/client/listers/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

const (
	certManagerGroup   = "cert-manager.io"
	certManagerService = "cert-manager-webhook" // cert-manager works once this one is ready
	certManagerHome    = "cert-manager"         // where a ClusterIssuer's Secrets are

	issuers        = "issuers"
	clusterIssuers = "clusterissuers"
	certificates   = "certificates"
	keyResource    = "resource" // of keys that are about a CRD
)

// certManager plays cert-manager's controllers: issuers become ready, and so
// do certificates, with their Secret. Its kinds come and go with their CRDs.
type certManager struct {
	*reconciler
	client   kubernetes.Interface
	dynamic  dynamic.Interface
	crds     crdlisters.CustomResourceDefinitionLister
	objects  *objectStore
	services *services
	withheld *withheldNames
	ca       *authority

	mu      sync.Mutex
	watched map[string]*watchedResource // by plural name
}

type watchedResource struct {
	informer cache.SharedIndexInformer
	cancel   context.CancelFunc
}

func newCertManager(p *play) (runner, error) {
	crds := p.crds.Apiextensions().V1().CustomResourceDefinitions()
	m := &certManager{
		client: p.client, dynamic: p.dynamic, crds: crds.Lister(), objects: p.objects,
		services: p.services, withheld: p.withheld, ca: p.pki.workloadCA,
		watched: map[string]*watchedResource{},
	}
	m.reconciler = newReconciler("cert-manager", 2, m.sync)
	_, err := crds.Informer().AddEventHandler(onAnyEvent(func(crd *apiextensionsv1.CustomResourceDefinition) {
		switch plural := crd.Spec.Names.Plural; plural {
		case issuers, clusterIssuers, certificates:
			if crd.Spec.Group == certManagerGroup {
				m.add(keyResource + "/" + plural)
			}
		}
	}))
	if err != nil {
		return nil, err
	}
	// A certificate whose Secret was deleted is issued again.
	_, err = p.core.Core().V1().Secrets().Informer().AddEventHandler(onAnyEvent(func(*corev1.Secret) { m.addAll() }))
	if err != nil {
		return nil, err
	}
	p.services.onChange(func(name types.NamespacedName) {
		if name.Name == certManagerService {
			m.addAll()
		}
	})
	p.withheld.onChange(m.addAll)
	return m, nil
}

func (m *certManager) addAll() {
	for _, plural := range []string{issuers, clusterIssuers, certificates} {
		m.addAllOf(plural)
	}
}

func (m *certManager) addAllOf(plural string) {
	m.mu.Lock()
	w := m.watched[plural]
	m.mu.Unlock()
	if w == nil {
		return
	}
	for _, key := range w.informer.GetStore().ListKeys() {
		m.add(plural + "/" + key)
	}
}

// get returns an object from the informer of its kind.
func (m *certManager) get(plural, key string) *unstructured.Unstructured {
	m.mu.Lock()
	w := m.watched[plural]
	m.mu.Unlock()
	if w == nil {
		return nil
	}
	object, exists, err := w.informer.GetStore().GetByKey(key)
	if err != nil || !exists {
		return nil
	}
	return object.(*unstructured.Unstructured)
}

func (m *certManager) sync(ctx context.Context, key string) error {
	plural, rest, _ := strings.Cut(key, "/")
	if plural == keyResource {
		return m.syncResource(ctx, rest)
	}
	object := m.get(plural, rest)
	if object == nil || object.GetDeletionTimestamp() != nil || !m.services.anyReady(certManagerService) {
		return nil
	}
	var err error
	if plural == certificates {
		err = m.syncCertificate(ctx, object.DeepCopy())
	} else {
		err = m.syncIssuer(ctx, plural, object.DeepCopy())
	}
	if apierrors.IsNotFound(err) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return nil
	}
	return err
}

// syncResource watches a kind as long as its CRD serves it.
func (m *certManager) syncResource(ctx context.Context, plural string) error {
	crd, err := m.crds.Get(plural + "." + certManagerGroup)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	serves := err == nil && crd.DeletionTimestamp == nil &&
		apihelpers.IsCRDConditionTrue(crd, apiextensionsv1.Established)
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.watched[plural]
	switch {
	case serves && w == nil:
		w, err := m.watch(ctx, plural)
		if err != nil {
			return err
		}
		m.watched[plural] = w
	case !serves && w != nil:
		w.cancel()
		delete(m.watched, plural)
	}
	return nil
}

func (m *certManager) watch(ctx context.Context, plural string) (*watchedResource, error) {
	informer := dynamicinformer.NewFilteredDynamicInformer(
		m.dynamic, certManagerResource(plural), metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer()
	_, err := informer.AddEventHandler(onKey(func(key string) {
		m.add(plural + "/" + key)
		if plural != certificates {
			m.addAllOf(certificates) // they may have waited for this issuer
		}
	}))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	go informer.Run(ctx.Done())
	return &watchedResource{informer: informer, cancel: cancel}, nil
}

func certManagerResource(plural string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: certManagerGroup, Version: "v1", Resource: plural}
}

func (m *certManager) syncIssuer(ctx context.Context, plural string, issuer *unstructured.Unstructured) error {
	ready := map[string]any{"type": "Ready", "status": "True", "reason": "IsReady", "message": ""}
	secret, isCA, _ := unstructured.NestedString(issuer.Object, "spec", "ca", "secretName")
	if _, isACME, _ := unstructured.NestedMap(issuer.Object, "spec", "acme"); isACME {
		ready["reason"], ready["message"] = "ACMEAccountRegistered", "The ACME account was registered with the ACME server"
	} else if isCA {
		namespace := issuer.GetNamespace()
		if plural == clusterIssuers {
			namespace = certManagerHome
		}
		ready["reason"], ready["message"] = "KeyPairVerified", "Signing CA verified"
		if _, exists := m.objects.keys("Secret", namespace, secret); !exists {
			ready["status"], ready["reason"] = "False", "ErrGetKeyPair"
			ready["message"] = fmt.Sprintf("Error getting keypair for CA issuer: secrets %q not found", secret)
		}
	}
	return m.setStatus(ctx, plural, issuer, nil, ready)
}

func (m *certManager) syncCertificate(ctx context.Context, cert *unstructured.Unstructured) error {
	name, _, _ := unstructured.NestedString(cert.Object, "spec", "secretName")
	if name == "" {
		return nil
	}
	keys, exists := m.objects.keys("Secret", cert.GetNamespace(), name)
	if !exists || !keys[corev1.TLSCertKey] {
		if !m.issuerReady(cert) || m.withheld.has("Secret", cert.GetNamespace(), name) {
			const message = "Issuing certificate as Secret does not exist"
			return m.setStatus(ctx, certificates, cert, nil,
				map[string]any{"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": message},
				map[string]any{"type": "Issuing", "status": "True", "reason": "DoesNotExist", "message": message})
		}
		if err := m.issue(ctx, cert, name); err != nil {
			return err
		}
	}
	// The times stay what they were when the certificate was first issued.
	issued := cert.GetCreationTimestamp().UTC()
	fields := map[string]any{
		"notBefore":   issued.Format(time.RFC3339),
		"notAfter":    issued.Add(90 * 24 * time.Hour).Format(time.RFC3339),
		"renewalTime": issued.Add(60 * 24 * time.Hour).Format(time.RFC3339),
		"revision":    int64(1),
	}
	return m.setStatus(ctx, certificates, cert, fields, map[string]any{
		"type": "Ready", "status": "True", "reason": "Ready",
		"message": "Certificate is up to date and has not expired",
	})
}

func (m *certManager) issuerReady(cert *unstructured.Unstructured) bool {
	ref, _, _ := unstructured.NestedStringMap(cert.Object, "spec", "issuerRef")
	plural, key := issuers, cert.GetNamespace()+"/"+ref["name"]
	if ref["kind"] == "ClusterIssuer" {
		plural, key = clusterIssuers, ref["name"]
	}
	issuer := m.get(plural, key)
	if issuer == nil {
		return false
	}
	conditions, _, _ := unstructured.NestedSlice(issuer.Object, "status", "conditions")
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		if condition["type"] == "Ready" {
			return condition["status"] == "True"
		}
	}
	return false
}

// issue makes the certificate's Secret.
func (m *certManager) issue(ctx context.Context, cert *unstructured.Unstructured, name string) error {
	commonName, _, _ := unstructured.NestedString(cert.Object, "spec", "commonName")
	hosts, _, _ := unstructured.NestedStringSlice(cert.Object, "spec", "dnsNames")
	ref, _, _ := unstructured.NestedStringMap(cert.Object, "spec", "issuerRef")
	pair, err := m.ca.sign(pkix.Name{CommonName: commonName}, hosts...)
	if err != nil {
		return err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: cert.GetNamespace(), Name: name,
			Labels: map[string]string{"controller.cert-manager.io/fao": "true"},
			Annotations: map[string]string{
				"cert-manager.io/alt-names":        strings.Join(hosts, ","),
				"cert-manager.io/certificate-name": cert.GetName(),
				"cert-manager.io/common-name":      commonName,
				"cert-manager.io/issuer-group":     ref["group"],
				"cert-manager.io/issuer-kind":      ref["kind"],
				"cert-manager.io/issuer-name":      ref["name"],
			},
		},
		Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{
			corev1.TLSCertKey: pair.cert, corev1.TLSPrivateKeyKey: pair.key, "ca.crt": m.ca.pem,
		},
	}
	for field, into := range map[string]map[string]string{"labels": secret.Labels, "annotations": secret.Annotations} {
		more, _, _ := unstructured.NestedStringMap(cert.Object, "spec", "secretTemplate", field)
		maps.Copy(into, more)
	}
	_, err = m.client.CoreV1().Secrets(secret.Namespace).Create(ctx, secret,
		metav1.CreateOptions{FieldManager: "cert-manager-certificates-issuing"})
	if apierrors.IsAlreadyExists(err) {
		return nil // the informer is late
	}
	return err
}

// setStatus writes conditions (and other status fields), if they aren't so
// already. Conditions that aren't given go.
func (m *certManager) setStatus(ctx context.Context, plural string, object *unstructured.Unstructured, fields map[string]any, conditions ...map[string]any) error {
	old, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	same := len(old) == len(conditions)
	list := make([]any, 0, len(conditions))
	for _, want := range conditions {
		want["observedGeneration"] = object.GetGeneration()
		want["lastTransitionTime"] = time.Now().UTC().Format(time.RFC3339)
		found := false
		for _, o := range old {
			have, _ := o.(map[string]any)
			if have["type"] != want["type"] {
				continue
			}
			if have["status"] == want["status"] {
				want["lastTransitionTime"] = have["lastTransitionTime"]
			}
			found = have["status"] == want["status"] && have["reason"] == want["reason"] &&
				have["message"] == want["message"] && have["observedGeneration"] == want["observedGeneration"]
		}
		same = same && found
		list = append(list, want)
	}
	if same {
		return nil
	}
	status, _, _ := unstructured.NestedMap(object.Object, "status")
	if status == nil {
		status = map[string]any{}
	}
	maps.Copy(status, fields)
	status["conditions"] = list
	object.Object["status"] = status
	_, err := m.dynamic.Resource(certManagerResource(plural)).Namespace(object.GetNamespace()).
		UpdateStatus(ctx, object, metav1.UpdateOptions{FieldManager: "cert-manager-" + plural + "-readiness"})
	return err
}
