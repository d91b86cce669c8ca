package main

import (
	"encoding/json"
	"slices"
	"strings"
)

// mutation is what a mutating webhook adds. Patch is a JSONPatch as it is; the
// others become one that fits the object at hand: they work whether or not the
// object has labels, say, and add nothing that is there already.
type mutation struct {
	Patch       json.RawMessage   `json:"patch,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Sidecar     map[string]any    `json:"sidecar,omitempty"` // a container for each pod (template)
}

func (m mutation) empty() bool {
	return len(m.Patch) == 0 && len(m.Labels) == 0 && len(m.Annotations) == 0 && len(m.Sidecar) == 0
}

type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// patchFor returns the JSONPatch for an object, nil if there is nothing to do.
func (m mutation) patchFor(object json.RawMessage) ([]byte, error) {
	if len(m.Patch) != 0 {
		return m.Patch, nil
	}
	if len(object) == 0 || string(object) == "null" {
		return nil, nil // a deletion
	}
	var fields map[string]any
	if err := json.Unmarshal(object, &fields); err != nil {
		return nil, err
	}
	var operations []patchOperation
	metadata, _ := fields["metadata"].(map[string]any)
	operations = append(operations, addToMap(metadata, "labels", m.Labels)...)
	operations = append(operations, addToMap(metadata, "annotations", m.Annotations)...)
	operations = append(operations, addSidecar(fields, m.Sidecar)...)
	if len(operations) == 0 {
		return nil, nil
	}
	return json.Marshal(operations)
}

func addToMap(metadata map[string]any, field string, add map[string]string) []patchOperation {
	if len(add) == 0 {
		return nil
	}
	var operations []patchOperation
	have, ok := metadata[field].(map[string]any)
	if !ok {
		operations = append(operations, patchOperation{"add", "/metadata/" + field, map[string]any{}})
	}
	for key, value := range add {
		if have[key] != value {
			escaped := strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
			operations = append(operations, patchOperation{"add", "/metadata/" + field + "/" + escaped, value})
		}
	}
	return operations
}

func addSidecar(object, sidecar map[string]any) []patchOperation {
	if len(sidecar) == 0 {
		return nil
	}
	path := "/spec"
	spec, _ := object["spec"].(map[string]any)
	if template, ok := spec["template"].(map[string]any); ok {
		path = "/spec/template/spec"
		spec, _ = template["spec"].(map[string]any)
	}
	containers, ok := spec["containers"].([]any)
	same := func(c any) bool {
		container, _ := c.(map[string]any)
		return container["name"] == sidecar["name"]
	}
	if !ok || slices.ContainsFunc(containers, same) {
		return nil
	}
	return []patchOperation{{"add", path + "/containers/-", sidecar}}
}
