package ascode

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// first are members in the order people expect them; all others follow, by name.
var first = []string{
	"name", "description", "tags", "config", "served_entities", "traffic_config",
	"key", "value", "principal", "calls", "tokens", "renewal_period",
	"provider", "task", "external_model", "served_entity_name", "traffic_percentage",
	"enabled", "catalog_name", "schema_name", "table_name_prefix",
	"when", "to", "among", "version", "role", "content",
	"user_name", "group_name", "service_principal_name", "level",
	"ai_gateway", "lakegate", "permissions",
}

// YAML writes one endpoint, a JSON object as the API has it, as a file that Read reads back to the
// same object.
func YAML(object json.RawMessage) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("write an endpoint as YAML: %w", err)
	}
	n, err := node(v)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(n), enc.Close()); err != nil {
		return nil, fmt.Errorf("write an endpoint as YAML: %w", err)
	}
	return b.Bytes(), nil
}

func node(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, k := range inOrder(v) {
			key, err := node(k)
			if err != nil {
				return nil, err
			}
			value, err := node(v[k])
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, key, value)
		}
		return n, nil
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, x := range v {
			item, err := node(x)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, item)
		}
		return n, nil
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(v.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: v.String()}, nil
	default:
		n := &yaml.Node{}
		return n, n.Encode(v)
	}
}

// inOrder returns the members of an object in the order they are written in.
func inOrder(v map[string]any) []string {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	rank := func(k string) int {
		if i := slices.Index(first, k); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	return keys
}
