package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

var testService = types.NamespacedName{Namespace: "ns", Name: "hook"}

func askWebhook(t *testing.T, table *webhookTable, body string) map[string]any {
	t.Helper()
	answer := httptest.NewRecorder()
	table.serve(testService, answer, httptest.NewRequest("POST", "/", strings.NewReader(body)))
	var out map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &out); err != nil {
		t.Fatalf("%d %s: %v", answer.Code, answer.Body, err)
	}
	return out["response"].(map[string]any)
}

const testReview = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u",
	"kind":{"group":"apps","version":"v1","kind":"Deployment"},"name":"web",
	"object":{"metadata":{"labels":{"a":"b"}},"spec":{"template":{"spec":{"containers":[{"name":"main"}]}}}}}}`

func TestWebhookModes(t *testing.T) {
	table := newWebhookTable()
	if r := askWebhook(t, table, testReview); r["allowed"] != true || r["uid"] != "u" || r["patch"] != nil {
		t.Errorf("normal: %v", r)
	}
	set := func(b webhookBehaviour) {
		t.Helper()
		b.Namespace, b.Service = "ns", "hook"
		if err := table.set(b); err != nil {
			t.Fatal(err)
		}
	}
	set(webhookBehaviour{Mode: webhookDeny, Message: "no"})
	if r := askWebhook(t, table, testReview); r["allowed"] != false || r["status"].(map[string]any)["message"] != "no" {
		t.Errorf("deny: %v", r)
	}
	set(webhookBehaviour{Mode: webhookDeny, Kind: "Service"})
	if r := askWebhook(t, table, testReview); r["allowed"] != true {
		t.Errorf("deny of another kind: %v", r)
	}
	set(webhookBehaviour{Mode: webhookMutate, mutation: mutation{
		Labels: map[string]string{"a": "b", "x/y": "z"}, Annotations: map[string]string{"n": "1"},
		Sidecar: map[string]any{"name": "proxy"},
	}})
	patch, err := base64.StdEncoding.DecodeString(askWebhook(t, table, testReview)["patch"].(string))
	want := `[{"op":"add","path":"/metadata/labels/x~1y","value":"z"},` +
		`{"op":"add","path":"/metadata/annotations","value":{}},{"op":"add","path":"/metadata/annotations/n","value":"1"},` +
		`{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"proxy"}}]`
	if err != nil || string(patch) != want {
		t.Errorf("mutate: %s, %v", patch, err)
	}
}

func TestConversionSetsTheVersion(t *testing.T) {
	r := askWebhook(t, newWebhookTable(), `{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","request":{
		"uid":"u","desiredAPIVersion":"g/v2","objects":[{"apiVersion":"g/v1","kind":"K","spec":{"x":1}}]}}`)
	object := r["convertedObjects"].([]any)[0].(map[string]any)
	if object["apiVersion"] != "g/v2" || object["kind"] != "K" || r["result"].(map[string]any)["status"] != "Success" {
		t.Errorf("got %v", r)
	}
}
