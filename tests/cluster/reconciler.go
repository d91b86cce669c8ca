package main

import (
	"context"
	"log"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

const (
	retryFirst = 20 * time.Millisecond
	retryMost  = 2 * time.Second
)

// reconciler calls sync for each key that was added, one at a time per key,
// and again after a pause when sync failed.
type reconciler struct {
	name    string
	workers int
	queue   workqueue.TypedRateLimitingInterface[string]
	sync    func(ctx context.Context, key string) error
}

func newReconciler(name string, workers int, sync func(context.Context, string) error) *reconciler {
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[string](retryFirst, retryMost)
	return &reconciler{
		name: name, workers: workers, sync: sync,
		queue: workqueue.NewTypedRateLimitingQueue(limiter),
	}
}

func (r *reconciler) add(key string) { r.queue.Add(key) }

func (r *reconciler) run(ctx context.Context) {
	for range r.workers {
		go func() {
			for r.next(ctx) {
			}
		}()
	}
	<-ctx.Done()
	r.queue.ShutDown()
}

func (r *reconciler) next(ctx context.Context) bool {
	key, shutdown := r.queue.Get()
	if shutdown {
		return false
	}
	defer r.queue.Done(key)
	err := r.sync(ctx, key)
	if err == nil || ctx.Err() != nil {
		r.queue.Forget(key)
		return true
	}
	// Conflicts and an API server that is down are everyday; what stays is news.
	if r.queue.NumRequeues(key) > 2 {
		log.Printf("%s: %s: %v", r.name, key, err)
	}
	r.queue.AddRateLimited(key)
	return true
}

// onAnyEvent calls f with the object that was added, changed or deleted.
func onAnyEvent[T any](f func(T)) cache.ResourceEventHandlerFuncs {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { f(object.(T)) },
		UpdateFunc: func(_, object any) { f(object.(T)) },
		DeleteFunc: func(object any) {
			if lost, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = lost.Obj
			}
			f(object.(T))
		},
	}
}

// onKey calls f with the namespace/name of each object that an event is about.
func onKey(f func(key string)) cache.ResourceEventHandlerFuncs {
	return onAnyEvent(func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			f(key)
		}
	})
}
