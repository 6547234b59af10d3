package matrix

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

var update = flag.Bool("update", false, "rewrite the golden files and docs/translation.md")

// cell is what became of one scenario of a pair.
type cell struct {
	asked    bool     // the client's format can say it
	refused  string   // the error of a request that can't be translated
	lost     []string // fields that would be lost
	hints    []string // fields that are left out, because the answer means the same without
	answered bool     // the provider's format can answer so, whole
	streamed bool     // and streamed
}

// TestMatrix translates every case of every pair there and back.
func TestMatrix(t *testing.T) {
	cells := map[string]cell{}
	for _, c := range clients {
		for _, p := range providers {
			if c.format == p.format {
				continue // passes as it is
			}
			for _, s := range scenarios {
				name := fmt.Sprintf("%s-to-%s/%s", c.format, p.format, s)
				t.Run(name, func(t *testing.T) {
					var golden strings.Builder
					x := ask(t, c, p, s, &golden)
					x.answered = answer(t, c, p, s, &golden)
					x.streamed = stream(t, c, p, s, &golden)
					cells[name] = x
					if golden.Len() > 0 {
						compareGolden(t, goldenName(c, p, s), golden.String())
					}
				})
			}
		}
	}
	if !t.Failed() || *update {
		writeTable(t, cells)
	}
}

// ask translates the client's request.
func ask(t *testing.T, c, p side, scenario string, golden *strings.Builder) (x cell) {
	body := c.request(t, scenario)
	if body == nil {
		return x
	}
	x.asked = true
	r, apiErr := c.codec(t).DecodeRequest(body)
	if apiErr != nil {
		t.Fatalf("the client's request: %v", apiErr)
	}
	r.Stream = false
	target := p.codec(t)
	out, lost, apiErr := target.EncodeRequest(r, chat.Options{Model: p.model, MaxTokens: 4096})
	lost = append(lost, r.Rest...)
	if apiErr != nil {
		x.refused = apiErr.Message
		fmt.Fprintf(golden, "== refused\n%s\n", apiErr.Message)
		return x
	}
	for _, l := range lost {
		if r.Hint(l) {
			x.hints = append(x.hints, l.Field)
		} else {
			x.lost = append(x.lost, l.Field)
		}
	}
	fmt.Fprintf(golden, "== request\n%s\n", indented(out))
	if len(lost) > 0 {
		fmt.Fprintf(golden, "== lost\n%s", lossLines(lost))
	}
	if target.DecodeRequest == nil {
		return x
	}
	back, apiErr := target.DecodeRequest(out)
	if apiErr != nil {
		t.Errorf("the target's own reader refuses the request: %v\n%s", apiErr, out)
		return x
	}
	for _, d := range requestDiffs(r, back, lost, p.format) {
		t.Errorf("read back, the request differs: %s", d)
	}
	return x
}

// What answers have whose provider says neither when they were made nor what they are called: the
// gateway gives them its own.
const (
	someTime = int64(1764180467)
	someID   = "01a1ff"
)

// answer translates the provider's whole answer.
func answer(t *testing.T, c, p side, scenario string, golden *strings.Builder) bool {
	body := p.answer(t, scenario)
	if body == nil || scenario == "error" {
		return body != nil
	}
	a, err := p.codec(t).DecodeAnswer(body)
	if err != nil {
		t.Fatalf("the provider's answer: %v", err)
	}
	if a.Created == 0 {
		a.Created = someTime
	}
	if a.ID == "" {
		a.ID = someID
	}
	client := c.codec(t)
	out := client.EncodeAnswer(a, asking(t, c))
	fmt.Fprintf(golden, "== answer\n%s\n", indented(out))
	back, err := client.DecodeAnswer(out)
	if err != nil {
		t.Errorf("the client's own reader refuses the answer: %v\n%s", err, out)
		return true
	}
	for _, d := range answerDiffs(a, back, c.format) {
		t.Errorf("read back, the answer differs: %s", d)
	}
	return true
}

// stream translates the provider's stream, and compares it with the whole answer too.
func stream(t *testing.T, c, p side, scenario string, golden *strings.Builder) bool {
	all := p.stream(t, scenario)
	if all == nil {
		return false
	}
	deltas := decode(t, p.codec(t).NewDecoder(), all)
	for i := range deltas {
		if d := &deltas[i]; d.Kind == chat.DeltaStart {
			d.Created, d.ID = cmp.Or(d.Created, someTime), cmp.Or(d.ID, someID)
		}
	}
	a, failure := collect(deltas)
	client := c.codec(t)
	request := asking(t, c)
	request.Stream, request.WantsUsage = true, true
	out := encode(client.NewEncoder(request), deltas)
	fmt.Fprintf(golden, "== stream\n%s", out)
	back, told := collect(decode(t, client.NewDecoder(), events(t, out)))
	if c.format == wire.CohereChat && filtered(a) {
		return true // has no other word for it than an error
	}
	if (failure == "") != (told == "") {
		t.Errorf("the provider's error in the stream is %q, and the client was told %q", failure, told)
	}
	if failure != "" {
		return true
	}
	for _, d := range answerDiffs(a, back, c.format) {
		t.Errorf("read back, the stream differs: %s", d)
	}
	if whole := p.answer(t, scenario); whole != nil && scenario != "error" {
		w, err := p.codec(t).DecodeAnswer(whole)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range answerDiffs(w, a, "") {
			t.Errorf("the provider's stream differs from its whole answer: %s", d)
		}
	}
	return true
}

func filtered(a *chat.Answer) bool {
	return len(a.Choices) > 0 && a.Choices[0].Stop == chat.StopFilter
}

// asking is a plain request of a client, for what its answer depends on.
func asking(t *testing.T, c side) *chat.Request {
	r, err := c.codec(t).DecodeRequest(c.request(t, "text"))
	if err != nil {
		t.Fatalf("%v", err)
	}
	r.Reasoning = &chat.Reasoning{Effort: "low", Show: true}
	return r
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is not there; run: go test ./serving/wire/matrix -update, and review it", file)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; run: go test ./serving/wire/matrix -update, and review the change with git diff", file)
	}
}
