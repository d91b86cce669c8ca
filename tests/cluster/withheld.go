package main

import (
	"slices"
	"sync"
)

// withheldNames are the Secrets and ConfigMaps that no stand-in may make.
type withheldNames struct {
	listeners []func() // look again at what may be made now

	mu    sync.Mutex
	names []selector
}

// onChange registers a listener before anything can change.
func (w *withheldNames) onChange(listener func()) {
	w.listeners = append(w.listeners, listener)
}

func (w *withheldNames) add(name selector) error {
	if err := checkPatterns(name.Namespace, name.Kind, name.Name); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.names = append(w.names, name)
	return nil
}

// remove ends what was withheld with these patterns and returns how many.
func (w *withheldNames) remove(name selector) int {
	w.mu.Lock()
	before := len(w.names)
	w.names = slices.DeleteFunc(w.names, name.names)
	removed := before - len(w.names)
	w.mu.Unlock()
	for _, listener := range w.listeners {
		listener()
	}
	return removed
}

func (w *withheldNames) list() []selector {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]selector{}, w.names...)
}

func (w *withheldNames) has(kind, namespace, name string) bool {
	object := selector{Namespace: namespace, Kind: kind, Name: name}
	return slices.ContainsFunc(w.list(), func(s selector) bool { return s.matches(object) })
}
