package main

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

const (
	storageClassName = "standard"
	provisionerName  = "simulated.cluster.local/volumes"

	// The controller manager asks an external provisioner with this.
	annotationProvisioner   = "volume.kubernetes.io/storage-provisioner"
	annotationProvisionedBy = "pv.kubernetes.io/provisioned-by"
	annotationDefaultClass  = "storageclass.kubernetes.io/is-default-class"

	keyVolume = "volume:"
)

// provisioner plays a storage provider: the default StorageClass, a volume for
// each claim of it (or of another class with this provisioner), and the end of
// the volume after the claim's. Binding is the real controller manager's.
type provisioner struct {
	*reconciler
	client  kubernetes.Interface
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
}

func newProvisioner(p *play) (runner, error) {
	core := p.core.Core().V1()
	v := &provisioner{
		client: p.client, claims: core.PersistentVolumeClaims().Lister(), volumes: core.PersistentVolumes().Lister(),
	}
	v.reconciler = newReconciler("volumes", 2, v.sync)
	if _, err := core.PersistentVolumeClaims().Informer().AddEventHandler(onKey(v.add)); err != nil {
		return nil, err
	}
	_, err := core.PersistentVolumes().Informer().AddEventHandler(onKey(func(name string) { v.add(keyVolume + name) }))
	return v, err
}

// createStorageClass makes the default class, if it isn't there yet.
func createStorageClass(ctx context.Context, client kubernetes.Interface) error {
	reclaim, binding := corev1.PersistentVolumeReclaimDelete, storagev1.VolumeBindingImmediate
	_, err := client.StorageV1().StorageClasses().Create(ctx, &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name:        storageClassName,
			Annotations: map[string]string{annotationDefaultClass: "true"},
		},
		Provisioner:       provisionerName,
		ReclaimPolicy:     &reclaim,
		VolumeBindingMode: &binding,
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func (v *provisioner) sync(ctx context.Context, key string) error {
	var err error
	if name, isVolume := strings.CutPrefix(key, keyVolume); isVolume {
		err = v.syncVolume(ctx, name)
	} else {
		err = v.syncClaim(ctx, key)
	}
	if apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func (v *provisioner) syncClaim(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return err
	}
	claim, err := v.claims.PersistentVolumeClaims(namespace).Get(name)
	if err != nil {
		return err
	}
	if claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil ||
		claim.Annotations[annotationProvisioner] != provisionerName || claim.Spec.StorageClassName == nil {
		return nil
	}
	_, err = v.client.CoreV1().PersistentVolumes().Create(ctx, volumeFor(claim), metav1.CreateOptions{})
	return err
}

func volumeFor(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	name := "pvc-" + string(claim.UID)
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{annotationProvisionedBy: provisionerName},
		},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      claim.Spec.Resources.Requests,
			AccessModes:                   claim.Spec.AccessModes,
			VolumeMode:                    claim.Spec.VolumeMode,
			StorageClassName:              *claim.Spec.StorageClassName,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			ClaimRef: &corev1.ObjectReference{
				Kind: "PersistentVolumeClaim", APIVersion: "v1",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				HostPath: &corev1.HostPathVolumeSource{Path: "/simulated/" + name},
			},
		},
	}
}

// syncVolume deletes a volume that its claim has left.
func (v *provisioner) syncVolume(ctx context.Context, name string) error {
	volume, err := v.volumes.Get(name)
	if err != nil {
		return err
	}
	if volume.Status.Phase != corev1.VolumeReleased || volume.DeletionTimestamp != nil ||
		volume.Annotations[annotationProvisionedBy] != provisionerName ||
		volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
		return nil
	}
	return v.client.CoreV1().PersistentVolumes().Delete(ctx, name, metav1.DeleteOptions{})
}
