package ascode

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Value reads one value written in YAML, or in JSON, as JSON.
func Value(text []byte) (json.RawMessage, error) {
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("it can't be said in JSON: %w", err)
	}
	return b, nil
}
