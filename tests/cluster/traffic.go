package main

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
)

// requestLogSize is how many finished requests are remembered.
const requestLogSize = 5000

// traffic counts the requests that came through the proxy and remembers the
// last ones. A watch counts as the method WATCH and, as it is open for a long
// time, isn't among the requests in flight.
type traffic struct {
	parser request.RequestInfoFactory

	mu     sync.Mutex
	counts trafficCounts
	log    []requestRecord // a ring: the record with number seq is at seq % requestLogSize
	next   int64
}

type trafficCounts struct {
	Total       int64            `json:"total"`
	ByKind      map[string]int64 `json:"byKind"`   // "PATCH deployments.apps" → n
	ByStatus    map[string]int64 `json:"byStatus"` // "200" → n, "0": no answer
	BytesIn     int64            `json:"bytesIn"`
	BytesOut    int64            `json:"bytesOut"`
	InFlight    int64            `json:"inFlight"`
	MaxInFlight int64            `json:"maxInFlight"`
}

type requestRecord struct {
	Seq       int64     `json:"seq"`
	Time      time.Time `json:"time"` // when it came
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Query     string    `json:"query,omitempty"`
	Kind      string    `json:"kind"` // as in byKind
	Status    int       `json:"status"`
	MS        float64   `json:"ms"`
	UserAgent string    `json:"userAgent"`
	BytesIn   int64     `json:"bytesIn"`
	BytesOut  int64     `json:"bytesOut"`
	Proto     string    `json:"proto"`
	Fault     string    `json:"fault,omitempty"`
}

func newTraffic() *traffic {
	t := &traffic{parser: request.RequestInfoFactory{
		APIPrefixes:          sets.NewString("api", "apis"),
		GrouplessAPIPrefixes: sets.NewString("api"),
	}}
	t.reset()
	return t
}

func (t *traffic) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	inFlight := t.counts.InFlight
	t.counts = trafficCounts{
		ByKind: map[string]int64{}, ByStatus: map[string]int64{},
		InFlight: inFlight, MaxInFlight: inFlight,
	}
	t.log = nil
	t.next = 0
}

// ongoing is a request that has begun.
type ongoing struct {
	traffic *traffic
	record  requestRecord
	watch   bool
	fault   string
}

func (t *traffic) begin(r *http.Request) *ongoing {
	o := &ongoing{traffic: t, record: requestRecord{
		Time: time.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
		UserAgent: r.UserAgent(), Proto: r.Proto, Kind: r.Method + " " + r.URL.Path,
	}}
	if info, err := t.parser.NewRequestInfo(r); err == nil && info.IsResourceRequest {
		o.record.Kind = kindOf(r.Method, info)
		o.watch = info.Verb == "watch"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !o.watch {
		t.counts.InFlight++
		t.counts.MaxInFlight = max(t.counts.MaxInFlight, t.counts.InFlight)
	}
	return o
}

func kindOf(method string, info *request.RequestInfo) string {
	kind := info.Resource
	if info.APIGroup != "" {
		kind += "." + info.APIGroup
	}
	if info.Subresource != "" {
		kind += "/" + info.Subresource
	}
	if info.Verb == "watch" {
		method = "WATCH"
	}
	return method + " " + kind
}

func (o *ongoing) end(status int, in, out int64) {
	o.record.Status, o.record.BytesIn, o.record.BytesOut = status, in, out
	o.record.MS = float64(time.Since(o.record.Time).Microseconds()) / 1000
	o.record.Fault = o.fault
	t := o.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	if !o.watch {
		t.counts.InFlight--
	}
	t.counts.Total++
	t.counts.ByKind[o.record.Kind]++
	t.counts.ByStatus[strconv.Itoa(status)]++
	t.counts.BytesIn += in
	t.counts.BytesOut += out
	o.record.Seq = t.next
	t.next++
	if len(t.log) < requestLogSize {
		t.log = append(t.log, o.record)
	} else {
		t.log[o.record.Seq%requestLogSize] = o.record
	}
}

func (t *traffic) snapshot() trafficCounts {
	t.mu.Lock()
	defer t.mu.Unlock()
	counts := t.counts
	counts.ByKind = copyCounts(counts.ByKind)
	counts.ByStatus = copyCounts(counts.ByStatus)
	return counts
}

func copyCounts(from map[string]int64) map[string]int64 {
	to := make(map[string]int64, len(from))
	for key, n := range from {
		to[key] = n
	}
	return to
}

// requestFilter says which remembered requests are wanted; zero values want all.
type requestFilter struct {
	Since     int64  `json:"since"` // the first seq
	Method    string `json:"method"`
	Path      string `json:"path"`      // regular expression
	UserAgent string `json:"userAgent"` // regular expression
	Status    int    `json:"status"`
}

// requests returns what matches, oldest first, and the seq that the next
// request will get.
func (t *traffic) requests(f requestFilter) ([]requestRecord, int64, error) {
	path, err := regexp.Compile(f.Path)
	if err != nil {
		return nil, 0, err
	}
	agent, err := regexp.Compile(f.UserAgent)
	if err != nil {
		return nil, 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	found := []requestRecord{}
	for seq := max(f.Since, t.next-int64(len(t.log)), 0); seq < t.next; seq++ {
		r := t.log[seq%requestLogSize]
		if (f.Method == "" || f.Method == r.Method) && (f.Status == 0 || f.Status == r.Status) &&
			path.MatchString(r.Path) && agent.MatchString(r.UserAgent) {
			found = append(found, r)
		}
	}
	return found, t.next, nil
}

// countingBody counts what a client sends. The transport may read it in
// another goroutine, and even after the answer.
type countingBody struct {
	io.ReadCloser
	count atomic.Int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.count.Add(int64(n))
	return n, err
}

// countingWriter remembers the status and counts the bytes of an answer.
type countingWriter struct {
	http.ResponseWriter
	status int
	count  int64
}

func (w *countingWriter) WriteHeader(status int) {
	if status >= 200 { // 1xx come before the real one
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.count += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController flush and hijack.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
