package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/internal/secret"
)

// spec is a JSON object of the API. Numbers are json.Number.
type spec map[string]any

// object reads a request's body, which must be one JSON object.
func object(body []byte) (spec, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var s spec
	err := dec.Decode(&s)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows")
		}
	}
	if err != nil || s == nil {
		return nil, apierr.New(apierr.BadRequest, "Bad request: the body is not one JSON object")
	}
	return s, nil
}

// only refuses fields that the request has none of.
func only(body spec, names ...string) error {
	for name := range body {
		if !slices.Contains(names, name) {
			return Unknown(name)
		}
	}
	return nil
}

// Unknown is the error for a field that is not there, in Databricks' words.
func Unknown(name string) error {
	return apierr.New(apierr.BadRequest, "Bad request: json: unknown field %q", clip(name)).At(name)
}

// created is the specification in a request that makes an endpoint.
func created(s spec) (spec, error) {
	if name, _ := s["name"].(string); name == "" {
		return nil, apierr.New(apierr.InvalidParameter, "Invalid value for field name: it is required").At("name")
	}
	if old := s["rate_limits"]; old != nil { // where older clients have them
		g, _ := s["ai_gateway"].(map[string]any)
		if g == nil {
			g = map[string]any{}
		}
		if g["rate_limits"] != nil {
			return nil, apierr.New(apierr.InvalidParameter, "Invalid value for field rate_limits: give either it or ai_gateway.rate_limits").At("rate_limits")
		}
		g["rate_limits"], s["ai_gateway"] = old, g
	}
	delete(s, "rate_limits")
	s.normalize()
	return s, nil
}

// normalize takes out what a client has from reading the endpoint and only repeats, and brings older
// names up to date.
func (s spec) normalize() {
	config, _ := s["config"].(map[string]any)
	if c, ok := s["config"].(spec); ok {
		config = c
	}
	delete(config, "config_version")
	delete(config, "name") // the SDKs repeat the endpoint's
	for x := range objects(config["served_entities"]) {
		for _, name := range []string{"id", "creator", "creation_timestamp", "state"} {
			delete(x, name)
		}
	}
	traffic, _ := config["traffic_config"].(map[string]any)
	for r := range objects(traffic["routes"]) {
		if model := r["served_model_name"]; model != nil && r["served_entity_name"] == nil {
			r["served_entity_name"] = model
		}
		delete(r, "served_model_name")
	}
}

// objects yields the objects of a list.
func objects(list any) func(yield func(map[string]any) bool) {
	return func(yield func(map[string]any) bool) {
		items, _ := list.([]any)
		for _, item := range items {
			if o, ok := item.(map[string]any); ok && !yield(o) {
				return
			}
		}
	}
}

func set(d *endpoints.Document, s spec) error {
	d.Spec = raw(s)
	return nil
}

// patchedTags adds and removes tags.
func patchedTags(s, body spec) error {
	if err := only(body, "add_tags", "delete_tags"); err != nil {
		return err
	}
	gone := map[string]bool{}
	removed, ok := body["delete_tags"].([]any)
	if !ok && body["delete_tags"] != nil {
		return apierr.New(apierr.InvalidParameter, "Invalid value for field delete_tags: want a list of keys").At("delete_tags")
	}
	for _, k := range removed {
		key, _ := k.(string)
		gone[key] = true
	}
	added, ok := body["add_tags"].([]any)
	if !ok && body["add_tags"] != nil {
		return apierr.New(apierr.InvalidParameter, "Invalid value for field add_tags: want a list of key and value").At("add_tags")
	}
	for t := range objects(body["add_tags"]) {
		key, _ := t["key"].(string)
		gone[key] = true // in place of what it was
	}
	tags := []any{}
	for t := range objects(s["tags"]) {
		if key, _ := t["key"].(string); !gone[key] {
			tags = append(tags, t)
		}
	}
	s["tags"] = append(tags, added...)
	return nil
}

var secretReference = regexp.MustCompile(`\{\{\s*secrets/[^{}]*\}\}`)

// mayRefer keeps whoever manages an endpoint without being an administrator from using secrets that
// were not given to it: an endpoint sends its secrets wherever its manager says.
// brought are the keys of those that came with the request itself.
func mayRefer(a *Actor, old, next *endpoints.Document, brought map[string]secret.String) error {
	if a.Admin {
		return nil
	}
	given := map[string]bool{}
	for key := range brought {
		given["{{secrets/"+secret.Given+"/"+key+"}}"] = true
	}
	if old != nil {
		for _, r := range secretReference.FindAll(old.Spec, -1) {
			given[string(r)] = true
		}
	}
	for _, r := range secretReference.FindAll(next.Spec, -1) {
		if !given[string(r)] {
			return apierr.New(apierr.PermissionDenied, "only administrators may give an endpoint a secret that it did not have: %s", clip(string(r)))
		}
	}
	return nil
}
