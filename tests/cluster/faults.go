package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
)

// What a fault rule does to the requests that it matches. Every action first
// waits the rule's delay.
const (
	actionDelay        = "delay"         // only the delay
	actionStatus       = "status"        // answered with code, the API server sees nothing
	actionDrop         = "drop"          // the connection closes, the API server sees nothing
	actionDropResponse = "drop-response" // the API server does it, then the connection closes
	actionBlock        = "block"         // hangs until the rule is unblocked, then goes on
)

var actions = []string{actionDelay, actionStatus, actionDrop, actionDropResponse, actionBlock}

// faultRule is a rule as it comes in through the control interface.
type faultRule struct {
	Method    string `json:"method,omitempty"`    // exact; empty: any
	Path      string `json:"path,omitempty"`      // regular expressions; empty: any
	Query     string `json:"query,omitempty"`     // on the raw query
	UserAgent string `json:"userAgent,omitempty"` //
	Action    string `json:"action"`
	Code      int    `json:"code,omitempty"`       // of status
	Message   string `json:"message,omitempty"`    // of status
	RetrySecs *int   `json:"retryAfter,omitempty"` // of status: the Retry-After header
	DelayMS   int    `json:"delayMs,omitempty"`
	After     int    `json:"after,omitempty"` // lets the first ones pass
	Times     int    `json:"times,omitempty"` // then acts on that many; 0: on all
}

// fault is a rule at work.
type fault struct {
	faultRule
	ID      int `json:"id"`
	Seen    int `json:"seen"`    // requests that matched
	Hits    int `json:"hits"`    // requests that it acted on
	Blocked int `json:"blocked"` // requests that hang now

	path, query, agent *regexp.Regexp
	released           chan struct{} // closed when the rule goes
}

func (f *fault) name() string { return fmt.Sprintf("%d %s", f.ID, f.Action) }

func (f *fault) matches(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) && f.path.MatchString(r.URL.Path) &&
		f.query.MatchString(r.URL.RawQuery) && f.agent.MatchString(r.UserAgent())
}

// faultTable holds the rules in the order in which they came. The first rule
// that matches a request and isn't waiting (after) or used up (times) acts.
type faultTable struct {
	mu      sync.Mutex
	rules   []*fault
	lastID  int
	changed *sync.Cond // some rule's counters moved
}

func newFaultTable() *faultTable {
	t := &faultTable{}
	t.changed = sync.NewCond(&t.mu)
	return t
}

func (t *faultTable) add(rule faultRule) (int, error) {
	if !slices.Contains(actions, rule.Action) {
		return 0, fmt.Errorf("action is one of %v", actions)
	}
	if rule.Action == actionStatus && (rule.Code < 400 || rule.Code > 599) {
		return 0, errors.New("status needs a code from 400 to 599")
	}
	if rule.Action == actionDelay && rule.DelayMS <= 0 {
		return 0, errors.New("delay needs delayMs")
	}
	f := &fault{faultRule: rule, released: make(chan struct{})}
	for _, want := range []struct {
		ret  **regexp.Regexp
		text string
	}{{&f.path, rule.Path}, {&f.query, rule.Query}, {&f.agent, rule.UserAgent}} {
		expression, err := regexp.Compile(want.text)
		if err != nil {
			return 0, err
		}
		*want.ret = expression
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastID++
	f.ID = t.lastID
	t.rules = append(t.rules, f)
	return f.ID, nil
}

// remove takes a rule away (0: all of them) and lets go what it holds.
func (t *faultTable) remove(id int) int {
	return t.removeIf(func(f *fault) bool { return id == 0 || f.ID == id })
}

// unblock removes a block rule (0: all of them): its requests go on.
func (t *faultTable) unblock(id int) int {
	return t.removeIf(func(f *fault) bool { return f.Action == actionBlock && (id == 0 || f.ID == id) })
}

func (t *faultTable) removeIf(gone func(*fault) bool) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.rules)
	t.rules = slices.DeleteFunc(t.rules, func(f *fault) bool {
		if !gone(f) {
			return false
		}
		close(f.released)
		return true
	})
	t.changed.Broadcast()
	return before - len(t.rules)
}

func (t *faultTable) list() []fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	copies := make([]fault, 0, len(t.rules))
	for _, f := range t.rules {
		copies = append(copies, *f)
	}
	return copies
}

// waitHits waits until a rule has acted on that many requests.
func (t *faultTable) waitHits(ctx context.Context, id, hits int) error {
	defer context.AfterFunc(ctx, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.changed.Broadcast()
	})()
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		at := slices.IndexFunc(t.rules, func(f *fault) bool { return f.ID == id })
		if at < 0 {
			return fmt.Errorf("no rule %d", id)
		}
		if t.rules[at].Hits >= hits {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("rule %d was hit %d times, not %d", id, t.rules[at].Hits, hits)
		}
		t.changed.Wait()
	}
}

func (t *faultTable) match(r *http.Request) *fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.rules {
		if !f.matches(r) {
			continue
		}
		f.Seen++
		if f.Seen <= f.After || (f.Times > 0 && f.Hits >= f.Times) {
			continue
		}
		f.Hits++
		t.changed.Broadcast()
		return f
	}
	return nil
}

// inject does what the rule says. It returns true if the request is to be
// forwarded after that.
func (t *faultTable) inject(f *fault, w http.ResponseWriter, r *http.Request, forward http.HandlerFunc) bool {
	if !sleep(r.Context(), time.Duration(f.DelayMS)*time.Millisecond) {
		return false
	}
	switch f.Action {
	case actionStatus:
		writeStatus(w, apiStatus{code: f.Code, message: f.Message, retryAfter: f.RetrySecs})
		return false
	case actionDrop:
		breakConnection(r)
	case actionDropResponse:
		forward(discardWriter{http.Header{}}, r)
		breakConnection(r)
	case actionBlock:
		return t.block(f, r.Context())
	}
	return true
}

func (t *faultTable) block(f *fault, ctx context.Context) bool {
	t.count(func() { f.Blocked++ })
	defer t.count(func() { f.Blocked-- })
	select {
	case <-f.released:
		return true
	case <-ctx.Done():
		return false
	}
}

func (t *faultTable) count(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	t.changed.Broadcast()
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

type discardWriter struct{ header http.Header }

func (w discardWriter) Header() http.Header         { return w.header }
func (w discardWriter) WriteHeader(int)             {}
func (w discardWriter) Write(p []byte) (int, error) { return len(p), nil }

// apiStatus is an answer in the API server's own form.
type apiStatus struct {
	code       int
	message    string
	retryAfter *int
}

// statusReasons are the reasons that the API server gives with a code.
var statusReasons = map[int]string{
	400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict",
	410: "Expired", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError",
	503: "ServiceUnavailable", 504: "Timeout",
}

func writeStatus(w http.ResponseWriter, s apiStatus) {
	if s.message == "" {
		s.message = http.StatusText(s.code)
	}
	body := map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": s.message, "reason": statusReasons[s.code], "code": s.code,
	}
	if s.retryAfter != nil {
		w.Header().Set("Retry-After", strconv.Itoa(*s.retryAfter))
		body["details"] = map[string]any{"retryAfterSeconds": *s.retryAfter}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(s.code)
	// A client that doesn't wait for its answer is no concern of ours.
	_ = json.NewEncoder(w).Encode(body)
}
