package cohere

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
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

func TestClientRequests(t *testing.T) {
	goldentest.Run(t, "testdata/client/*.json", func(t *testing.T, in []byte) string {
		r, err := Chat().Chat.DecodeRequest(in)
		if err != nil {
			return fmt.Sprintf("# refused: %s (at %s)\n", err.Message, err.Param)
		}
		body, lost, err := Chat().Chat.EncodeRequest(r, chat.Options{Model: "command-a-03-2025", Stream: r.Stream})
		if err != nil {
			t.Fatal(err)
		}
		out := fmt.Sprintf("# %s characters\n# decoded\n%s# encoded\n%s", number(Chat().InputChars(in)), goldentest.Lean(r), goldentest.Indented(t, body))
		if len(lost) > 0 {
			out += "# lost\n" + goldentest.Lean(lost)
		}
		return out
	})
}

func TestProviderAnswers(t *testing.T) {
	goldentest.Run(t, "testdata/provider/*.json", func(t *testing.T, in []byte) string {
		a, err := Chat().Chat.DecodeAnswer(in)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := Chat().ParseAnswer(in)
		if err != nil {
			t.Fatal(err)
		}
		return "# " + describe(parsed) + "\n# decoded\n" + goldentest.Lean(a) + "# encoded\n" + goldentest.Indented(t, Chat().Chat.EncodeAnswer(a, &chat.Request{}))
	})
}

// eventsOf reads the events of a stream.
func eventsOf(t testing.TB, in []byte) (names, data [][]byte) {
	t.Helper()
	r := sse.NewReader(bytes.NewReader(in), 1<<20, nil)
	for {
		ev, err := r.Next()
		if err != nil {
			return names, data
		}
		if len(ev.Data) > 0 {
			names, data = append(names, bytes.Clone(ev.Name)), append(data, bytes.Clone(ev.Data))
		}
	}
}

func TestProviderStreams(t *testing.T) {
	goldentest.Run(t, "testdata/provider/*.sse", func(t *testing.T, in []byte) string {
		deltas, out := translate(t, in)
		res := follow(t, in)
		return fmt.Sprintf("# %s started %v complete %v events %d\n# deltas\n%s# encoded\n%s# joined\n%s",
			describe(res.Answer), res.Started, res.Complete, res.Events, deltas, out, goldentest.Indented(t, res.Joined))
	})
}

// translate decodes a stream and encodes it again.
func translate(t *testing.T, in []byte) (deltas string, out []byte) {
	t.Helper()
	d, e := Chat().Chat.NewDecoder(), Chat().Chat.NewEncoder(&chat.Request{})
	ended := false
	take := func(all []chat.Delta) {
		for i := range all {
			if ended {
				t.Errorf("%s after the end", all[i].Kind)
			}
			if all[i].Kind == chat.DeltaLogProbs {
				deltas += "logprobs " + string(all[i].Raw) + "\n"
			} else {
				deltas += goldentest.Line(all[i]) + "\n"
			}
			if ended = all[i].Kind == chat.DeltaEnd; !ended {
				out = e.Append(out, &all[i])
			}
		}
	}
	names, data := eventsOf(t, in)
	for i := range data {
		all, err := d.Decode(names[i], data[i])
		if err != nil {
			deltas += "unread: " + err.Error() + "\n"
		}
		take(all)
		clear(data[i])
	}
	take(d.Close())
	if !ended {
		t.Error("no end")
	}
	return deltas, e.AppendEnd(out)
}

// follow gives a stream to trackers.
func follow(t testing.TB, in []byte) wire.Result {
	t.Helper()
	tr, numbers := Chat().NewTracker(true), Chat().NewTracker(false)
	names, data := eventsOf(t, in)
	for i := range data {
		if c, same := tr.Add(names[i], data[i]), numbers.Add(names[i], data[i]); c != same {
			t.Errorf("a tracker that keeps says %+v, one that does not %+v", c, same)
		}
		clear(data[i])
	}
	r, n := tr.Result(), numbers.Result()
	if n.Joined != nil || describe(n.Answer) != describe(r.Answer) || n.Complete != r.Complete || n.Started != r.Started {
		t.Errorf("without keeping: %+v, want %+v", n, r)
	}
	return r
}

// TestJoinedIsTheAnswer compares what a stream adds up to with the whole answer of the same name,
// and a stream that was decoded and encoded with the same.
func TestJoinedIsTheAnswer(t *testing.T) {
	files, err := filepath.Glob("testdata/provider/*.sse")
	if err != nil || len(files) == 0 {
		t.Fatalf("no streams: %v", err)
	}
	for _, file := range files {
		whole := strings.TrimSuffix(file, "sse") + "json"
		if _, err := os.Stat(whole); err != nil || strings.Contains(file, "error") {
			continue
		}
		t.Run(filepath.Base(whole), func(t *testing.T) {
			in := goldentest.Read(t, file)
			var got, want any
			if err := json.Unmarshal(follow(t, in).Joined, &got); err != nil {
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

func describe(a wire.Answer) string {
	return fmt.Sprintf("model %q chars %s failed %v usage %s", a.Model, number(a.OutputChars), a.Failed, usageText(a.Usage, a.HasUsage))
}

func number(p *int64) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprint(*p)
}

func usageText(u inference.Usage, ok bool) string {
	if !ok {
		return "none"
	}
	var raw bytes.Buffer
	if err := json.Compact(&raw, u.Raw); err != nil {
		raw.WriteString(err.Error())
	}
	return fmt.Sprintf("in %s out %s total %s cached %s searches %s image %s raw %s",
		number(u.Input), number(u.Output), number(u.Total), number(u.CachedInput), number(u.Searches), number(u.InputImage), raw.String())
}

func TestEmbedRequests(t *testing.T) {
	goldentest.Run(t, "testdata/embed/*.json", func(t *testing.T, in []byte) string {
		r, err := Embed().Embed.DecodeRequest(in)
		if err != nil {
			return fmt.Sprintf("# refused: %s (at %s)\n", err.Message, err.Param)
		}
		body, lost, err := Embed().Embed.EncodeRequest(r, chat.Options{Model: "embed-v4.0"})
		if err != nil {
			t.Fatal(err)
		}
		out := fmt.Sprintf("# %s characters\n# decoded\n%s# encoded\n%s", number(Embed().InputChars(in)), goldentest.Lean(r), goldentest.Indented(t, body))
		if len(lost) > 0 {
			out += "# lost\n" + goldentest.Lean(lost)
		}
		return out
	})
}

func TestEmbedAnswers(t *testing.T) {
	goldentest.Run(t, "testdata/embed_answers/*.json", func(t *testing.T, in []byte) string {
		parsed, err := Embed().ParseAnswer(in)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Embed().Embed.DecodeAnswer(in)
		if err != nil {
			return fmt.Sprintf("# %s\n# no answer: %v\n", describe(parsed), err)
		}
		r := &chat.EmbedRequest{Texts: []string{"hello", "world"}}
		out := "# " + describe(parsed) + "\n# encoded\n" + goldentest.Indented(t, Embed().Embed.EncodeAnswer(a, r))
		r.Base64 = true
		return out + "# as base64\n" + goldentest.Indented(t, Embed().Embed.EncodeAnswer(a, r))
	})
}
