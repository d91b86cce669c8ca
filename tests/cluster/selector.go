package main

import (
	"fmt"
	"path"
)

// selector names objects by patterns (*, ?, [a-z]); an empty one is any.
type selector struct {
	Namespace string `json:"namespace,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name,omitempty"`
}

// matches says whether an object's full name fits the patterns.
func (s selector) matches(object selector) bool {
	return matchPattern(s.Namespace, object.Namespace) && matchPattern(s.Kind, object.Kind) &&
		matchPattern(s.Name, object.Name)
}

// names says whether another selector was made of these very patterns; here,
// an empty one stands for all. It is how a rule is found again to end it.
func (s selector) names(rule selector) bool {
	same := func(wanted, has string) bool { return wanted == "" || wanted == has }
	return same(s.Namespace, rule.Namespace) && same(s.Kind, rule.Kind) && same(s.Name, rule.Name)
}

// matchPattern says whether a name fits a pattern; an empty one fits all.
func matchPattern(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	matched, err := path.Match(pattern, name)
	return err == nil && matched
}

func checkPatterns(patterns ...string) error {
	for _, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", pattern, err)
		}
	}
	return nil
}
