// Package usagepaths reads token counts where a server of one's own has them.
//
// Wrap makes a codec that does all that another one does, and looks for counts at paths: names of
// members joined by dots, in an answer as in each event of a stream. What is found replaces what
// the format's own place says; in a stream the last event that has a count decides about it. A
// path that leads nowhere changes nothing. Everything is a pure function over bytes; trackers and
// decoders belong to one goroutine.
package usagepaths

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Wrap returns c with usage looked for at the given paths. c itself does not change.
func Wrap(c *wire.Codec, at endpoint.UsagePaths) *wire.Codec {
	w, p := *c, compile(at)
	w.ParseAnswer = func(body []byte) (wire.Answer, error) {
		a, err := c.ParseAnswer(body)
		if err == nil {
			var f found
			f.read(p, body)
			f.change(p, &a)
		}
		return a, err
	}
	if c.NewTracker != nil {
		w.NewTracker = func(keep bool) wire.Tracker { return &tracker{Tracker: c.NewTracker(keep), paths: p} }
	}
	if c.Chat != nil {
		w.Chat = translator(c.Chat, p)
	}
	return &w
}

// paths are the steps to each place.
type paths [places][]string

// The places, in the order of endpoint.UsagePaths.
const (
	input = iota
	output
	total
	cachedInput
	reasoning
	model
	places
)

func compile(at endpoint.UsagePaths) *paths {
	var p paths
	for i, path := range [places]string{at.Input, at.Output, at.Total, at.CachedInput, at.Reasoning, at.Model} {
		if path != "" {
			p[i] = strings.Split(path, ".")
		}
	}
	return &p
}

// found is what was at the places.
type found struct {
	count [model]*int64
	model string
}

// read looks for all places in one object. What is not there keeps what was found before. It
// reports whether it found a count.
func (f *found) read(p *paths, object []byte) bool {
	any := false
	for i, steps := range p {
		if steps == nil {
			continue
		}
		kind, value := follow(steps, object)
		if i == model {
			if name := rawjson.Unquote(value); kind == rawjson.String && name != "" {
				f.model = name
			}
			continue
		}
		if n, ok := rawjson.Int(value); kind == rawjson.Number && ok && n >= 0 {
			f.count[i], any = &n, true
		}
	}
	return any
}

// follow returns the value at the end of the steps.
func follow(steps []string, value []byte) (kind rawjson.Kind, at []byte) {
	for _, step := range steps {
		kind, at = rawjson.Invalid, nil
		rawjson.Members(value, func(name []byte, k rawjson.Kind, v []byte) bool {
			if string(name) == step {
				kind, at = k, v
			}
			return true // the last one counts
		})
		value = at
	}
	return kind, at
}

// change puts what was found into an answer.
func (f *found) change(p *paths, a *wire.Answer) {
	if f.model != "" {
		a.Model = f.model
	}
	if f.usage(p, &a.Usage) {
		a.HasUsage = true
	}
}

// usage puts the counts that were found into u, and works out the one that follows from two
// others. It reports whether there were any.
func (f *found) usage(p *paths, u *inference.Usage) bool {
	any := false
	for i, to := range [model]**int64{&u.Input, &u.Output, &u.Total, &u.CachedInput, &u.Reasoning} {
		if n := f.count[i]; n != nil {
			*to, any = n, true
		}
	}
	if !any {
		return false
	}
	in, out, all := f.count[input], f.count[output], f.count[total]
	switch {
	case all == nil && u.Input != nil && u.Output != nil:
		u.Total = sum(*u.Input, *u.Output)
	case out == nil && u.Output == nil && in != nil && all != nil && *all >= *in:
		u.Output = sum(*all, -*in)
	case in == nil && u.Input == nil && out != nil && all != nil && *all >= *out:
		u.Input = sum(*all, -*out)
	}
	u.Source = inference.UsageProvider
	u.Raw = f.raw(p)
	return true
}

// raw writes the counts that were found as an object, by their paths.
func (f *found) raw(p *paths) []byte {
	b := []byte{'{'}
	for i, n := range f.count {
		if n == nil {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = rawjson.AppendQuoted(b, strings.Join(p[i], "."))
		b = strconv.AppendInt(append(b, ':'), *n, 10)
	}
	return append(b, '}')
}

// sum adds two counts, which may be nonsense.
func sum(a, b int64) *int64 {
	n := a + b
	if n < 0 {
		return nil
	}
	return &n
}

// tracker looks at each event after the format's own tracker did.
type tracker struct {
	wire.Tracker
	paths *paths
	found found
}

// Add implements wire.Tracker.
func (t *tracker) Add(name, data []byte) wire.Chunk {
	c := t.Tracker.Add(name, data)
	t.found.read(t.paths, data)
	return c
}

// Result implements wire.Tracker.
func (t *tracker) Result() wire.Result {
	r := t.Tracker.Result()
	t.found.change(t.paths, &r.Answer)
	return r
}

// translator is a chat codec whose answers have the usage too, for clients of other formats.
func translator(c *chat.Codec, p *paths) *chat.Codec {
	w := *c
	if c.DecodeAnswer != nil {
		w.DecodeAnswer = func(body []byte) (*chat.Answer, error) {
			a, err := c.DecodeAnswer(body)
			if err == nil {
				var f found
				f.read(p, body)
				if f.usage(p, &a.Usage) {
					a.HasUsage = true
				}
			}
			return a, err
		}
	}
	if c.NewDecoder != nil {
		w.NewDecoder = func() chat.Decoder { return &decoder{Decoder: c.NewDecoder(), paths: p} }
	}
	return &w
}

// decoder adds a delta with the usage to those of an event that has some.
type decoder struct {
	chat.Decoder
	paths *paths
	found found
	last  inference.Usage // as the format's own decoder said it
}

// Decode implements chat.Decoder.
func (d *decoder) Decode(name, data []byte) ([]chat.Delta, error) {
	deltas, err := d.Decoder.Decode(name, data)
	for i := range deltas {
		if deltas[i].Kind == chat.DeltaUsage {
			d.last = deltas[i].Usage
			d.found.usage(d.paths, &deltas[i].Usage)
		}
	}
	if !d.found.read(d.paths, data) {
		return deltas, err
	}
	u := d.last
	d.found.usage(d.paths, &u)
	at := len(deltas)
	if at > 0 && deltas[at-1].Kind == chat.DeltaEnd { // which has to stay last
		at--
	}
	return slices.Insert(deltas, at, chat.Delta{Kind: chat.DeltaUsage, Usage: u}), err
}
