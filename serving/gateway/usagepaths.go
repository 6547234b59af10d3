package gateway

import (
	"bytes"
	"strings"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// readPaths reads an answer, or an event of a stream, in which the counts are where the
// configuration says, into a. What is not there leaves a as it is.
func readPaths(p *endpoint.UsagePaths, body []byte, a *wire.Answer) {
	if v := valueAt(body, p.Model); len(v) > 2 && v[0] == '"' {
		a.Model = rawjson.Unquote(v)
	}
	var u inference.Usage
	found := false
	for _, c := range []struct {
		path string
		into **int64
	}{{p.Input, &u.Input}, {p.Output, &u.Output}, {p.Total, &u.Total}, {p.CachedInput, &u.CachedInput}, {p.Reasoning, &u.Reasoning}} {
		if n, ok := rawjson.Int(valueAt(body, c.path)); ok && n >= 0 {
			*c.into, found = &n, true
		}
	}
	if !found {
		return
	}
	if u.Total == nil && u.Input != nil && u.Output != nil {
		t := *u.Input + *u.Output
		u.Total = &t
	}
	u.Source = inference.UsageProvider
	parent, _, nested := cutLast(firstOf(p.Input, p.Output, p.Total))
	if nested {
		if raw := valueAt(body, parent); len(raw) > 0 && raw[0] == '{' {
			u.Raw = bytes.Clone(raw)
		}
	}
	a.Usage, a.HasUsage = u, true
}

func firstOf(paths ...string) string {
	for _, p := range paths {
		if p != "" {
			return p
		}
	}
	return ""
}

func cutLast(path string) (before, after string, ok bool) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// valueAt returns the member of parsed JSON that a path of names joined by dots leads to, nil for
// none.
func valueAt(value []byte, path string) []byte {
	if path == "" {
		return nil
	}
	for name := range strings.SplitSeq(path, ".") {
		var next []byte
		rawjson.Members(value, func(n []byte, _ rawjson.Kind, v []byte) bool {
			if string(n) == name {
				next = v
			}
			return next == nil
		})
		if value = next; value == nil {
			return nil
		}
	}
	return value
}

// atPaths is a tracker of streams whose counts are where the configuration says.
type atPaths struct {
	wire.Tracker
	paths  *endpoint.UsagePaths
	answer wire.Answer
	object rawjson.Object
}

// Add implements wire.Tracker.
func (t *atPaths) Add(name, data []byte) wire.Chunk {
	c := t.Tracker.Add(name, data)
	if c.JSON || t.object.Parse(data, wire.MaxDepth) == nil {
		readPaths(t.paths, data, &t.answer)
	}
	return c
}

// Result implements wire.Tracker.
func (t *atPaths) Result() wire.Result {
	r := t.Tracker.Result()
	if t.answer.HasUsage {
		r.Usage, r.HasUsage = t.answer.Usage, true
	}
	if t.answer.Model != "" {
		r.Model = t.answer.Model
	}
	return r
}

// newTracker follows a stream of a target.
func (w *work) newTracker(t *target) wire.Tracker {
	tr := t.codec.NewTracker(w.rec.Payload.Table != "")
	if t.entity.Usage != nil {
		return &atPaths{Tracker: tr, paths: t.entity.Usage}
	}
	return tr
}
