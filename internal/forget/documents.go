package forget

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lakegate/lakegate/internal/state"
)

// Erased stands in a document where the subject's name was.
const Erased = "(erased)"

// redactedKinds are the kinds of documents that lakegate writes rows' values into by itself: frozen
// statements of a month. Their sums stay, a person's name in them does not. Documents that people
// wrote, dashboards, are theirs to change: the proof finds what names the subject.
var redactedKinds = []string{"statements"}

// redact takes the subject's name out of documents.
func redact(ctx context.Context, cfg Config, r *Request, report *Report) error {
	docs := cfg.docs()
	for _, kind := range redactedKinds {
		names, err := docs.List(ctx, kind)
		if err != nil {
			return err
		}
		for _, id := range names {
			changed, err := redactOne(ctx, docs, kind, id, *r.Subject)
			if err != nil {
				return fmt.Errorf("redact %s %s: %w", kind, id, err)
			}
			if name := kind + "/" + id; changed && !slices.Contains(report.Redacted, name) {
				report.Redacted = append(report.Redacted, name)
			}
		}
	}
	return nil
}

func redactOne(ctx context.Context, docs *state.Docs, kind, id string, s Subject) (changed bool, err error) {
	for {
		doc, version, err := docs.Get(ctx, kind, id)
		if errors.Is(err, state.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		d := json.NewDecoder(bytes.NewReader(doc))
		d.UseNumber() // sums stay as they are written
		var v any
		if err := d.Decode(&v); err != nil {
			return false, err
		}
		v, changed = redacted(v, s)
		if !changed {
			return false, nil
		}
		next, err := json.Marshal(v)
		if err != nil {
			return false, err
		}
		_, err = docs.Replace(ctx, kind, id, version, next)
		if errors.Is(err, state.ErrChanged) {
			continue
		}
		return err == nil, err
	}
}

// redacted returns a JSON value without the subject.
func redacted(v any, s Subject) (any, bool) {
	switch v := v.(type) {
	case string:
		named := s.Requester != "" && v == s.Requester || s.TagValue != "" && v == s.TagKey+"="+s.TagValue || slices.Contains(s.RequestIDs, v)
		if named {
			return Erased, true
		}
	case []any:
		changed := false
		for i := range v {
			var c bool
			v[i], c = redacted(v[i], s)
			changed = changed || c
		}
		return v, changed
	case map[string]any:
		changed := false
		for key, value := range v {
			next, c := redacted(value, s)
			if s.TagKey != "" && key == s.TagKey && value == any(s.TagValue) {
				next, c = Erased, true
			}
			name, renamed := redacted(key, s)
			if renamed {
				delete(v, key)
				c = true
			}
			if c {
				v[name.(string)] = next
			}
			changed = changed || c
		}
		return v, changed
	}
	return v, false
}
