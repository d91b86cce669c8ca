package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// What a webhook does with a review, after its delay.
const (
	webhookNormal  = "normal"  // allows, changes nothing
	webhookDeny    = "deny"    // denies with message and code
	webhookMutate  = "mutate"  // allows, with a patch
	webhookTimeout = "timeout" // never answers
	webhookError   = "error"   // HTTP 500
)

var webhookModes = []string{webhookNormal, webhookDeny, webhookMutate, webhookTimeout, webhookError}

// webhookBehaviour is what the control interface sets for a Service. Kind and
// Name narrow it to some objects; the rest is allowed as usual.
type webhookBehaviour struct {
	Namespace string `json:"namespace"`
	Service   string `json:"service"`
	Mode      string `json:"mode"`
	DelayMS   int    `json:"delayMs,omitempty"`
	Kind      string `json:"kind,omitempty"` // patterns; empty: any
	Name      string `json:"name,omitempty"`
	Message   string `json:"message,omitempty"` // of deny
	Code      int32  `json:"code,omitempty"`    // of deny, default 403
	mutation         // of mutate
}

// webhookState is a Service's behaviour and what came to it so far.
type webhookState struct {
	Namespace   string            `json:"namespace"`
	Service     string            `json:"service"`
	Behaviour   *webhookBehaviour `json:"behaviour,omitempty"`
	Reviews     int               `json:"reviews"`     // admission reviews answered
	Denied      int               `json:"denied"`      // of these
	Patched     int               `json:"patched"`     // of these
	Conversions int               `json:"conversions"` // conversion reviews answered
	Refused     int               `json:"refused"`     // connections while no endpoint was ready
}

// webhookTable answers for every webhook in the cluster.
type webhookTable struct {
	mu     sync.Mutex
	states map[types.NamespacedName]*webhookState
}

func newWebhookTable() *webhookTable {
	return &webhookTable{states: map[types.NamespacedName]*webhookState{}}
}

// state must be called with the lock held.
func (t *webhookTable) state(service types.NamespacedName) *webhookState {
	s := t.states[service]
	if s == nil {
		s = &webhookState{Namespace: service.Namespace, Service: service.Name}
		t.states[service] = s
	}
	return s
}

func (t *webhookTable) count(service types.NamespacedName, change func(*webhookState)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(t.state(service))
}

func (t *webhookTable) refused(service types.NamespacedName) {
	t.count(service, func(s *webhookState) { s.Refused++ })
}

func (t *webhookTable) set(b webhookBehaviour) error {
	if b.Namespace == "" || b.Service == "" {
		return errors.New("namespace and service are needed")
	}
	if b.Mode == "" {
		b.Mode = webhookNormal
	}
	if !slices.Contains(webhookModes, b.Mode) {
		return fmt.Errorf("mode is one of %v", webhookModes)
	}
	if b.Mode == webhookMutate && b.mutation.empty() {
		return errors.New("mutate needs patch, labels, annotations or sidecar")
	}
	if err := checkPatterns(b.Kind, b.Name); err != nil {
		return err
	}
	service := types.NamespacedName{Namespace: b.Namespace, Name: b.Service}
	t.count(service, func(s *webhookState) {
		if b.Mode == webhookNormal && b.DelayMS == 0 {
			s.Behaviour = nil
		} else {
			s.Behaviour = &b
		}
	})
	return nil
}

// reset brings every webhook back to normal and its counters to zero.
func (t *webhookTable) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.states = map[types.NamespacedName]*webhookState{}
}

func (t *webhookTable) list() []webhookState {
	t.mu.Lock()
	defer t.mu.Unlock()
	states := []webhookState{}
	for _, s := range t.states {
		states = append(states, *s)
	}
	slices.SortFunc(states, func(a, b webhookState) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Service, b.Service))
	})
	return states
}

// behaviour returns what a Service's webhook does to an object.
func (t *webhookTable) behaviour(service types.NamespacedName, kind, name string) webhookBehaviour {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.state(service).Behaviour
	if b == nil || !matchPattern(b.Kind, kind) || !matchPattern(b.Name, name) {
		return webhookBehaviour{Mode: webhookNormal}
	}
	return *b
}

// review is an AdmissionReview or ConversionReview of any version: the fields
// that matter are the same in all of them.
type review struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Request    *reviewRequest  `json:"request,omitempty"`
	Response   *reviewResponse `json:"response,omitempty"`
}

type reviewRequest struct {
	UID string `json:"uid"`

	// AdmissionReview
	ObjectKind struct {
		Kind string `json:"kind"`
	} `json:"kind"`
	Name   string          `json:"name"`
	Object json.RawMessage `json:"object"`

	// ConversionReview
	DesiredAPIVersion string            `json:"desiredAPIVersion"`
	Objects           []json.RawMessage `json:"objects"`
}

type reviewResponse struct {
	UID string `json:"uid"`

	// AdmissionReview
	Allowed   bool          `json:"allowed"`
	Status    *reviewStatus `json:"status,omitempty"`
	Patch     []byte        `json:"patch,omitempty"` // base64 in JSON
	PatchType string        `json:"patchType,omitempty"`

	// ConversionReview
	Result           *reviewStatus     `json:"result,omitempty"`
	ConvertedObjects []json.RawMessage `json:"convertedObjects,omitempty"`
}

type reviewStatus struct {
	Status  string `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
	Code    int32  `json:"code,omitempty"`
}

func (t *webhookTable) serve(service types.NamespacedName, w http.ResponseWriter, r *http.Request) {
	var in review
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&in) != nil || in.Request == nil {
		// An aggregated API has no server behind it here.
		http.Error(w, "no webhook's request", http.StatusServiceUnavailable)
		return
	}
	b := t.behaviour(service, in.Request.ObjectKind.Kind, in.Request.Name)
	if !sleep(r.Context(), time.Duration(b.DelayMS)*time.Millisecond) {
		return
	}
	switch b.Mode {
	case webhookTimeout:
		<-r.Context().Done()
		return
	case webhookError:
		http.Error(w, "the webhook failed, as it was told to", http.StatusInternalServerError)
		return
	}
	out := review{APIVersion: in.APIVersion, Kind: in.Kind}
	var err error
	if in.Kind == "ConversionReview" {
		out.Response, err = t.convert(service, in.Request)
	} else {
		out.Response, err = t.admit(service, in.Request, b)
	}
	if err != nil {
		log.Printf("webhook of %s: %v", service, err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// An API server that doesn't wait for its answer is no concern of ours.
	_ = json.NewEncoder(w).Encode(out)
}

func (t *webhookTable) admit(service types.NamespacedName, in *reviewRequest, b webhookBehaviour) (*reviewResponse, error) {
	out := &reviewResponse{UID: in.UID, Allowed: true}
	switch b.Mode {
	case webhookDeny:
		out.Allowed = false
		out.Status = &reviewStatus{
			Status:  "Failure",
			Message: cmp.Or(b.Message, "denied, as it was told to"),
			Code:    cmp.Or(b.Code, http.StatusForbidden),
		}
	case webhookMutate:
		patch, err := b.mutation.patchFor(in.Object)
		if err != nil {
			return nil, err
		}
		if patch != nil {
			out.Patch, out.PatchType = patch, "JSONPatch"
		}
	}
	t.count(service, func(s *webhookState) {
		s.Reviews++
		if !out.Allowed {
			s.Denied++
		}
		if out.Patch != nil {
			s.Patched++
		}
	})
	return out, nil
}

// convert changes nothing but the version: the releases' CRDs keep unknown
// fields or have the same ones in each version.
func (t *webhookTable) convert(service types.NamespacedName, in *reviewRequest) (*reviewResponse, error) {
	version, err := json.Marshal(in.DesiredAPIVersion)
	if err != nil {
		return nil, err
	}
	out := &reviewResponse{UID: in.UID, Result: &reviewStatus{Status: "Success"}}
	for _, object := range in.Objects {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(object, &fields); err != nil {
			return nil, err
		}
		fields["apiVersion"] = version
		converted, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		out.ConvertedObjects = append(out.ConvertedObjects, converted)
	}
	t.count(service, func(s *webhookState) { s.Conversions++ })
	return out, nil
}
