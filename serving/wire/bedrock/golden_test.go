package bedrock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// TestRequests encodes requests, written as the common form, for Converse.
func TestRequests(t *testing.T) {
	for _, file := range goldentest.Files(t, "testdata/requests/*.json") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			var in struct {
				Options chat.Options
				Request chat.Request
			}
			d := json.NewDecoder(bytes.NewReader(goldentest.Read(t, file)))
			d.DisallowUnknownFields()
			if err := d.Decode(&in); err != nil {
				t.Fatal(err)
			}
			body, lost, apiErr := Codec().Chat.EncodeRequest(&in.Request, in.Options)
			var out strings.Builder
			if apiErr != nil {
				fmt.Fprintf(&out, "refused: %s (at %s)\n", apiErr.Message, apiErr.Param)
			} else {
				out.WriteString(goldentest.Indented(t, body))
			}
			for _, l := range lost {
				fmt.Fprintf(&out, "lost: %s: %s\n", l.Field, l.Why)
			}
			goldentest.Same(t, strings.TrimSuffix(file, ".json")+".golden", out.String())
		})
	}
}

// TestAnswers decodes whole answers.
func TestAnswers(t *testing.T) {
	for _, file := range goldentest.Files(t, "testdata/provider/*.json") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			body := goldentest.Read(t, file)
			a, err := Codec().Chat.DecodeAnswer(body)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := ParseAnswer(body)
			if err != nil {
				t.Fatal(err)
			}
			a.Usage.Raw = nil
			goldentest.Same(t, strings.TrimSuffix(file, ".json")+".answer.golden", goldentest.Lean(a)+"parsed: "+describe(parsed)+"\n")
		})
	}
}

// line is a line of a stream's fixture.
type line struct {
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

func events(t testing.TB, file string) []line {
	t.Helper()
	var all []line
	for text := range bytes.Lines(goldentest.Read(t, file)) {
		var e line
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, e)
	}
	return all
}

// TestStreams decodes streams into deltas, and joins them.
func TestStreams(t *testing.T) {
	for _, file := range goldentest.Files(t, "testdata/provider/*.jsonl") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			goldentest.Same(t, strings.TrimSuffix(file, ".jsonl")+".stream.golden", readStream(t, events(t, file)))
		})
	}
}

func readStream(t *testing.T, all []line) string {
	var out strings.Builder
	d := Codec().Chat.NewDecoder()
	tr, numbers := Codec().NewTracker(true), Codec().NewTracker(false)
	deltas := func(all []chat.Delta) {
		for _, x := range all {
			out.WriteString(deltaText(&x) + "\n")
		}
	}
	for _, e := range all {
		name, data := []byte(e.Event), bytes.Clone(e.Data)
		got, err := d.Decode(name, data)
		if err != nil {
			fmt.Fprintf(&out, "error: %v\n", err)
		}
		deltas(got)
		c, same := tr.Add(name, data), numbers.Add(name, data)
		if c != same {
			t.Errorf("a tracker that keeps says %+v, one that does not %+v", c, same)
		}
		if c.End || c.Error || !c.JSON {
			fmt.Fprintf(&out, "chunk: %+v\n", c)
		}
		clear(data) // nobody may keep it
	}
	deltas(d.Close())
	r, n := tr.Result(), numbers.Result()
	if n.Joined != nil || describe(n.Answer) != describe(r.Answer) || n.Complete != r.Complete || n.Started != r.Started {
		t.Errorf("without keeping: %+v, want %+v", n, r)
	}
	fmt.Fprintf(&out, "result: %s started %v complete %v events %d\n", describe(r.Answer), r.Started, r.Complete, r.Events)
	out.WriteString(goldentest.Indented(t, r.Joined))
	return out.String()
}

// deltaText writes a delta in a line.
func deltaText(d *chat.Delta) string {
	s := string(d.Kind)
	add := func(name string, v any, said bool) {
		if said {
			s += fmt.Sprintf(" %s=%q", name, fmt.Sprint(v))
		}
	}
	add("tool", d.Tool, d.Kind == chat.DeltaCall || d.Kind == chat.DeltaArguments)
	add("id", d.CallID, d.CallID != "")
	add("name", d.Name, d.Name != "")
	add("text", d.Text, d.Text != "")
	add("signature", d.Signature, d.Signature != "")
	add("by", d.SignedBy, d.SignedBy != "")
	add("redacted", d.Redacted, d.Redacted)
	add("stop", d.Stop, d.Stop != "")
	add("sequence", d.StopText, d.StopText != "")
	add("code", d.Code, d.Code != "")
	add("usage", usageText(d.Usage, true), d.Kind == chat.DeltaUsage)
	return s
}

func describe(a wire.Answer) string {
	chars := "-"
	if a.OutputChars != nil {
		chars = fmt.Sprint(*a.OutputChars)
	}
	return fmt.Sprintf("model %q chars %s failed %v usage %s", a.Model, chars, a.Failed, usageText(a.Usage, a.HasUsage))
}

func usageText(u inference.Usage, ok bool) string {
	if !ok {
		return "none"
	}
	n := func(p *int64) string {
		if p == nil {
			return "-"
		}
		return fmt.Sprint(*p)
	}
	return fmt.Sprintf("in %s out %s total %s cached %s written %s 1h %s tier %q raw %s", n(u.Input), n(u.Output), n(u.Total), n(u.CachedInput), n(u.CacheWrite), n(u.CacheWrite1h), u.ServiceTier, u.Raw)
}

// TestJoinedIsTheAnswer compares what a stream adds up to with the whole answer of the same name.
func TestJoinedIsTheAnswer(t *testing.T) {
	for _, file := range goldentest.Files(t, "testdata/provider/*.jsonl") {
		whole := strings.TrimSuffix(file, "l")
		if _, err := os.Stat(whole); err != nil || strings.Contains(file, "error") {
			continue
		}
		t.Run(filepath.Base(whole), func(t *testing.T) {
			tr := Codec().NewTracker(true)
			for _, e := range events(t, file) {
				tr.Add([]byte(e.Event), e.Data)
			}
			var got, want any
			if err := json.Unmarshal(tr.Result().Joined, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(goldentest.Read(t, whole), &want); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-answer +joined:\n%s", d)
			}
		})
	}
}
