package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func testRequest(method, target string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("User-Agent", "test/1")
	return r
}

func TestFaultAfterAndTimes(t *testing.T) {
	faults := newFaultTable()
	id, err := faults.add(faultRule{Method: "PATCH", Path: "^/api/v1/", Query: "force=true", Action: actionStatus, Code: 503, After: 1, Times: 2})
	if err != nil {
		t.Fatal(err)
	}
	if faults.match(testRequest("GET", "/api/v1/pods?force=true")) != nil {
		t.Error("another method matches")
	}
	for i, want := range []bool{false, true, true, false} {
		if got := faults.match(testRequest("PATCH", "/api/v1/pods?force=true")) != nil; got != want {
			t.Errorf("request %d: %v", i, got)
		}
	}
	if rule := faults.list()[0]; rule.ID != id || rule.Seen != 4 || rule.Hits != 2 {
		t.Errorf("counted %+v", rule)
	}
}

func TestFaultUsedUpLetsTheNextAct(t *testing.T) {
	faults := newFaultTable()
	for _, rule := range []faultRule{
		{Action: actionStatus, Code: 429, Times: 1}, {Action: actionStatus, Code: 500},
	} {
		if _, err := faults.add(rule); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{429, 500, 500} {
		answer := httptest.NewRecorder()
		r := testRequest("GET", "/")
		if faults.inject(faults.match(r), answer, r, nil) || answer.Code != want {
			t.Errorf("answered %d, not %d", answer.Code, want)
		}
	}
}

func TestFaultBlocksUntilReleased(t *testing.T) {
	faults := newFaultTable()
	id, err := faults.add(faultRule{Action: actionBlock})
	if err != nil {
		t.Fatal(err)
	}
	passed := make(chan bool)
	go func() {
		r := testRequest("GET", "/")
		passed <- faults.inject(faults.match(r), httptest.NewRecorder(), r, nil)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := faults.waitHits(ctx, id, 1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-passed:
		t.Error("wasn't held")
	case <-time.After(20 * time.Millisecond):
	}
	if faults.unblock(id) != 1 || !<-passed {
		t.Error("wasn't let go")
	}
}

func TestFaultRefusesNonsense(t *testing.T) {
	for _, rule := range []faultRule{
		{}, {Action: "explode"}, {Action: actionStatus}, {Action: actionStatus, Code: 200},
		{Action: actionDelay}, {Action: actionDrop, Path: "("},
	} {
		if _, err := newFaultTable().add(rule); err == nil {
			t.Errorf("%+v is taken", rule)
		}
	}
}

func TestRequestLogIsARing(t *testing.T) {
	traffic := newTraffic()
	for range requestLogSize + 10 {
		traffic.begin(testRequest("PATCH", "/apis/apps/v1/namespaces/n/deployments/web")).end(200, 1, 2)
	}
	traffic.begin(testRequest("GET", "/api/v1/pods?watch=true")).end(200, 0, 0)
	found, next, err := traffic.requests(requestFilter{})
	if err != nil || len(found) != requestLogSize || next != requestLogSize+11 || found[0].Seq != 11 {
		t.Errorf("%d requests from %d to %d, %v", len(found), found[0].Seq, next, err)
	}
	counts := traffic.snapshot()
	if counts.ByKind["PATCH deployments.apps"] != requestLogSize+10 || counts.ByKind["WATCH pods"] != 1 || counts.InFlight != 0 {
		t.Errorf("counted %+v", counts)
	}
}
