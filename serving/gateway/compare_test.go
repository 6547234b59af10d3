package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/provider/openai"
)

// judged compares a share of the answers of a with b's, by a judge of the host judge.
func judged(t *testing.T, share float64, more ...setup) setup {
	return func(l *lab, e *endpoint.Endpoint) {
		e.Entities, e.Weights = e.Entities[:len(e.Entities)-1], e.Weights[:len(e.Weights)-1] // one was made for the judge's host
		e.Compare = &endpoint.Compare{Name: "a-vs-b", Baseline: 0, Challenger: 1, Share: share, Judge: "judge", Rubric: "the kinder one"}
		l.more = append(l.more, &endpoint.Endpoint{
			Name: "judge", ID: "judge-id", Task: endpoint.Chat, UsageTracking: true, Timeout: time.Minute, Weights: []int{100},
			RateLimits: []endpoint.RateLimit{{Key: endpoint.PerUser, Calls: new(int64), Period: time.Minute}}, // which does not count for judges
			Entities: []*endpoint.Entity{{
				Name: "j", ID: "j-id", Model: "gpt-4o", Task: endpoint.Chat, Provider: openai.Name,
				BaseURL: parseURL(t, "http://judge/v1"), AuthHeader: "Authorization", AuthValue: secret.New("Bearer sk-upstream-key"),
			}},
		})
		for i, x := range e.Entities {
			x.ID = fmt.Sprintf("%s-id", x.Name)
			e.Entities[i] = x
		}
		for _, f := range more {
			f(l, e)
		}
	}
}

// verdictOf is a judge's answer.
func verdictOf(text string) step {
	b, _ := json.Marshal(text)
	return says(strings.Replace(answer, `"hello"`, string(b), 1))
}

// raced has both sides asked at once.
func raced(_ *lab, e *endpoint.Endpoint) { e.Race = &endpoint.Race{Among: []int{0, 1}, Most: 2} }

// settled waits until everything beside clients' calls is over.
func (l *lab) settled() {
	l.t.Helper()
	if err := l.Settle(context.Background()); err != nil {
		l.t.Error(err)
	}
}

// verdicts says in a line each what was compared.
func (l *lab) verdicts() string {
	var lines []string
	for _, c := range l.recorder.Comparisons() {
		s := fmt.Sprintf("%s answered, %s first, winner %s", c.Answered, c.FirstShown, c.Winner)
		if c.Reason != "" {
			s += ": " + c.Reason
		}
		if c.Error != "" {
			s += " because " + c.Error
		}
		lines = append(lines, s)
	}
	return strings.Join(lines, "\n")
}

// TestCompare: the client's answer and row are as without, the other's and the judge's are rows of
// their own, and the comparison is a fact that names all three.
func TestCompare(t *testing.T) {
	const s = time.Second
	other := says(strings.Replace(answer, "hello", "hi there", 1)).in(2 * s)
	one := verdictOf(`{"reason": "it greets", "winner": "1"}`).in(3 * s)
	ok := func(who string) string { return "ok 200 usage=provider:5+7=12 cost=12 " + who }
	none := "baseline answered, challenger first, winner none because "
	all := []any{hel, s, lo, stop, usage, doneEvent}
	tests := []struct {
		name    string
		a, b, j []step
		stream  bool
		set     setup
		rows    []string // the client's, the other's, the judge's
		verdict string
	}{
		{name: "the first shown wins", rows: []string{ok("a:200"), ok("b:200"), ok("j:200")}, verdict: "baseline answered, challenger first, winner challenger: it greets"},
		{name: "the second shown wins", j: []step{verdictOf(`{"winner":2}`)}, rows: []string{ok("a:200"), ok("b:200"), ok("j:200")}, verdict: "baseline answered, challenger first, winner baseline"},
		{name: "a tie", j: []step{verdictOf("```json\n{\"winner\": \"tie\", \"reason\": \"same\"}\n```")}, rows: []string{ok("a:200"), ok("b:200"), ok("j:200")}, verdict: "baseline answered, challenger first, winner tie: same"},
		{name: "unreadable", j: []step{verdictOf("I like both")}, rows: []string{ok("a:200"), ok("b:200"), ok("j:200")}, verdict: none + "the judge's answer can't be read: it has no object with a winner of 1, 2 or tie"},
		{name: "streams", stream: true, a: []step{events(all...)}, b: []step{events(all...).in(s)}, rows: []string{ok("a:200"), ok("b:200"), ok("j:200")}, verdict: "baseline answered, challenger first, winner challenger: it greets"},
		{
			name: "the judge fails", j: []step{status(500)}, rows: []string{ok("a:200"), ok("b:200"), "upstream_error 500 EXTERNAL_MODEL_ERROR usage=none j:500"},
			verdict: none + "the judge gave no verdict: EXTERNAL_MODEL_ERROR: the provider answered 500",
		},
		{
			name: "the judge takes no temperature", j: []step{status(400), one}, rows: []string{ok("a:200"), ok("b:200"), "upstream_error 400 EXTERNAL_MODEL_ERROR usage=none j:400", ok("j:200")},
			verdict: "baseline answered, challenger first, winner challenger: it greets",
		},
		{
			name: "the judge never answers", j: []step{one.in(time.Hour)}, rows: []string{ok("a:200"), ok("b:200"), "timeout 504 DEADLINE_EXCEEDED usage=none j:0"},
			verdict: none + "the judge gave no verdict: DEADLINE_EXCEEDED: the provider did not finish its answer in time",
		},
		{
			name: "no such judge", set: func(l *lab, e *endpoint.Endpoint) { e.Compare.Judge = "jugde" }, rows: []string{ok("a:200"), ok("b:200"), "refused 404 ENDPOINT_NOT_FOUND usage=none"},
			verdict: none + "the judge gave no verdict: ENDPOINT_NOT_FOUND: The given endpoint does not exist: \"jugde\". GET /v1/models lists those your key may call.",
		},
		{
			name: "a judge of another task", set: func(l *lab, _ *endpoint.Endpoint) { l.more[0].Task = endpoint.Embeddings }, rows: []string{ok("a:200"), ok("b:200")},
			verdict: none + "the judge gave no verdict: INVALID_PARAMETER_VALUE: endpoint \"judge\" can't judge: it serves llm/v1/embeddings",
		},
		{
			name: "the other fails", b: []step{status(503)}, rows: []string{ok("a:200"), "upstream_error 503 EXTERNAL_MODEL_ERROR usage=none b:503"},
			verdict: "baseline answered,  first, winner none because the challenger gave no answer: upstream_error, status 503",
		},
		{
			name: "the challenger answers", set: func(_ *lab, e *endpoint.Endpoint) { e.Weights = []int{0, 100} }, rows: []string{ok("b:200"), ok("a:200"), ok("j:200")},
			verdict: "challenger answered, challenger first, winner challenger: it greets",
		},
		{
			name: "the challenger as a fallback", a: []step{status(500), says(answer)}, set: func(_ *lab, e *endpoint.Endpoint) { e.Fallback = true }, rows: []string{ok("a:500 b:200"), ok("a:200"), ok("j:200")},
			verdict: "challenger answered, challenger first, winner challenger: it greets",
		},
		{
			name: "the challenger wins a race", a: []step{says(answer).in(s)}, b: []step{says(strings.Replace(answer, "hello", "hi there", 1)).in(time.Millisecond)}, set: raced,
			rows: []string{"ok 200 usage=provider:5+7=12 cost=17 a:0 b:200", ok("a:200"), ok("j:200")}, verdict: "challenger answered, challenger first, winner challenger: it greets",
		},
		{
			name: "a streamed race", stream: true, a: []step{events(s, hel, lo, stop, usage, doneEvent)}, b: []step{events(all...).in(time.Millisecond)}, set: raced,
			rows: []string{"ok 200 usage=provider:5+7=12 cost=17 a:200 b:200", ok("a:200"), ok("j:200")}, verdict: "challenger answered, challenger first, winner challenger: it greets",
		},
		{name: "a long answer", a: []step{says(strings.Replace(answer, "hello", strings.Repeat("hello ", 200_000), 1))}, rows: []string{ok("a:200")}},
		{name: "nothing answers", a: []step{status(500)}, rows: []string{"upstream_error 500 EXTERNAL_MODEL_ERROR usage=none a:500"}},
		{name: "an answer that breaks off", stream: true, a: []step{events(hel, errReset)}, rows: []string{"upstream_broken 200 BAD_GATEWAY usage=none a:200"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			def := func(steps []step, d step) []step {
				if steps == nil {
					return []step{d}
				}
				return steps
			}
			steps := map[string][]step{"a": def(tt.a, says(answer)), "b": def(tt.b, other), "judge": def(tt.j, one)}
			set := judged(t, 1)
			if tt.set != nil {
				set = judged(t, 1, tt.set)
			}
			scripted(t, steps, set, func(t *testing.T, l *lab, p *playbook) {
				body := ask
				if tt.stream {
					body = askStream
				}
				c := l.do(body)
				if took := time.Since(p.start); took > 2*s || strings.Contains(c.body, "there") && !strings.Contains(tt.name, "challenger") {
					t.Errorf("after %s the client got %s", took, c.body)
				}
				l.settled()
				rows := rowsOf(t, l.recorder)
				var got []string
				for _, r := range rows {
					got = append(got, summary(r))
				}
				if !slices.Equal(got, tt.rows) {
					t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.rows, "\n"))
				}
				if got := l.verdicts(); got != tt.verdict {
					t.Errorf("got  %s\nwant %s", got, tt.verdict)
				}
				for _, c := range l.recorder.Comparisons() {
					namesRows(t, c, rows)
				}
			})
		})
	}
}

// namesRows holds a comparison to the rows it is about.
func namesRows(t *testing.T, c *inference.Comparison, rows []*inference.Record) {
	t.Helper()
	if c.RequestID != rows[0].ID || !c.RequestTime.Equal(rows[0].Time) || c.Requester != "ann@example.com" || c.Endpoint != "chat" || c.Name != "a-vs-b" {
		t.Errorf("comparison of %s: %+v", rows[0].ID, c)
	}
	if c.OtherID != rows[1].ID || c.Baseline.ServedEntity != "a" || c.Challenger.ServedEntity != "b" {
		t.Errorf("the other side: %+v", c)
	}
	last := rows[len(rows)-1]
	if last.Purpose == inference.PurposeJudge && (c.JudgeID != last.ID || last.Principal.Name != "ann@example.com" || last.APIType != "lakegate/judge") {
		t.Errorf("the judge: %s, row %s of %s by %s", c.JudgeID, last.ID, last.APIType, last.Principal.Name)
	}
	if c.Winner != inference.None && (c.JudgeCost == nil || *c.JudgeCost != 12 || c.JudgeLatency < 0) {
		t.Errorf("the judge cost %v in %s", c.JudgeCost, c.JudgeLatency)
	}
	for _, s := range []inference.Compared{c.Baseline, c.Challenger} {
		if c.Winner != inference.None && (s.NanoUSD == nil || *s.NanoUSD != 12 || s.Output == nil || *s.Output != 7 || s.Model != "gpt-4o-2024") {
			t.Errorf("a side: %+v", s)
		}
	}
}

// TestWhatJudgesRead is the question and both answers in the order that is recorded, which differs
// from call to call, and nothing that tells who wrote which.
func TestWhatJudgesRead(t *testing.T) {
	other := strings.NewReplacer("hello", "hi there", `"gpt-4o-2024"`, `"claude-x"`).Replace(answer)
	steps := map[string][]step{"a": {says(answer)}, "b": {says(other)}, "judge": {verdictOf(`{"winner":"1"}`)}}
	scripted(t, steps, judged(t, 1), func(t *testing.T, l *lab, p *playbook) {
		var prompts, marks []string
		p.onAsk = func(r *http.Request) {
			if r.URL.Host != "judge" {
				return
			}
			b, _ := io.ReadAll(r.Body)
			var sent struct {
				Temperature *float64
				Messages    []struct{ Content string }
			}
			if err := json.Unmarshal(b, &sent); err != nil || sent.Temperature == nil || *sent.Temperature != 0 || len(sent.Messages) != 1 {
				t.Errorf("the judge is sent %s", b)
				return
			}
			prompts = append(prompts, sent.Messages[0].Content)
			_, mark, _ := strings.Cut(sent.Messages[0].Content, "@@")
			marks = append(marks, mark[:10])
		}
		l.Draw = rand.New(rand.NewPCG(1, 2)).Uint32
		for range 8 {
			l.do(ask)
			l.settled()
		}
		first := map[inference.Side]int{}
		for i, c := range l.recorder.Comparisons() {
			first[c.FirstShown]++
			if c.Winner != c.FirstShown {
				t.Errorf("the judge named the first, which was the %s; the winner is the %s", c.FirstShown, c.Winner)
			}
			a, b := "ANSWER 1\nhello\n", "ANSWER 2\nhi there\n"
			if c.FirstShown == inference.Challenger {
				a, b = "ANSWER 1\nhi there\n", "ANSWER 2\nhello\n"
			}
			for _, part := range []string{"the kinder one", "REQUEST\nuser: hi\n", a, b} {
				if !strings.Contains(prompts[i], part) {
					t.Errorf("%q is not in\n%s", part, prompts[i])
				}
			}
			for _, word := range []string{"gpt-4o", "claude", "baseline", "challenger"} {
				if strings.Contains(prompts[i], word) {
					t.Errorf("%s is in\n%s", word, prompts[i])
				}
			}
		}
		if first[inference.Baseline] == 0 || first[inference.Challenger] == 0 {
			t.Errorf("shown first: %v", first)
		}
		if slices.Sort(marks); len(slices.Compact(marks)) != 8 {
			t.Errorf("marks repeat: %v", marks)
		}
	})
}

// TestJudgesThatTakeNoTemperature are asked without from then on.
func TestJudgesThatTakeNoTemperature(t *testing.T) {
	one := verdictOf(`{"winner":"1"}`)
	steps := map[string][]step{"a": {says(answer)}, "b": {says(answer)}, "judge": {status(400), one, one, status(400), status(400)}}
	scripted(t, steps, judged(t, 1), func(t *testing.T, l *lab, p *playbook) {
		for range 3 {
			l.do(ask)
			l.settled()
		}
		if p.n["judge"] != 4 { // two for the first
			t.Errorf("the judge was asked %d times", p.n["judge"])
		}
		if got := strings.Join(l.meter.compared, ", "); got != "chat challenger, chat challenger, chat none" {
			t.Errorf("counted %s", got)
		}
	})
}

// TestWhatIsNotCompared: calls whose turn has not come, that are refused, that a third one answered,
// and those lakegate makes by itself.
func TestWhatIsNotCompared(t *testing.T) {
	steps := func() map[string][]step {
		return map[string][]step{"a": {says(answer)}, "b": {says(answer)}, "c": {says(answer)}, "judge": {verdictOf(`{"winner":"1"}`)}}
	}
	t.Run("share", func(t *testing.T) {
		scripted(t, steps(), judged(t, 0.25), func(t *testing.T, l *lab, p *playbook) {
			l.Draw = func() uint32 { return 1 << 30 } // a quarter is not less than a quarter
			l.do(ask)
			l.Draw = func() uint32 { return 1<<30 - 1 }
			l.do(ask)
			l.settled()
			if n := len(l.recorder.Comparisons()); n != 1 {
				t.Errorf("%d comparisons, want 1", n)
			}
		})
	})
	t.Run("a third", func(t *testing.T) {
		third := func(_ *lab, e *endpoint.Endpoint) { e.Weights = []int{0, 0, 100} }
		scripted(t, steps(), judged(t, 1, third), func(t *testing.T, l *lab, p *playbook) {
			l.do(ask)
			l.do(ask, func(c *gateway.Call) { c.Token = "lg-none" })
			l.settled()
			if l.verdicts() != "" || p.n["a"]+p.n["b"] > 0 {
				t.Errorf("compared: %s", l.verdicts())
			}
		})
	})
	t.Run("judges", func(t *testing.T) {
		both := func(l *lab, _ *endpoint.Endpoint) { // a judge whose own answers would be compared, by chat
			j := l.more[0]
			other := *j.Entities[0]
			other.Name, other.ID = "k", "k-id"
			j.Entities, j.Weights = append(j.Entities, &other), []int{100, 0}
			j.Compare = &endpoint.Compare{Name: "j-vs-k", Challenger: 1, Share: 1, Judge: "chat"}
		}
		scripted(t, steps(), judged(t, 1, both), func(t *testing.T, l *lab, p *playbook) {
			l.do(ask)
			l.settled()
			if n := len(l.recorder.Records()); n != 3 || len(l.recorder.Comparisons()) != 1 {
				t.Errorf("%d rows, %d comparisons", n, len(l.recorder.Comparisons()))
			}
		})
	})
	t.Run("client gone", func(t *testing.T) {
		slow := steps()
		slow["a"] = []step{says(answer).in(5 * time.Second)}
		scripted(t, slow, judged(t, 1), func(t *testing.T, l *lab, p *playbook) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			l.doAs(ctx, &client{}, ask)
			l.settled()
			if n := len(l.recorder.Records()); n != 1 || l.verdicts() != "" {
				t.Errorf("%d rows, compared: %s", n, l.verdicts())
			}
		})
	})
}

// TestComparisonsGoOn when the client leaves after its answer, and end when the gateway stops.
func TestComparisonsGoOn(t *testing.T) {
	steps := map[string][]step{"a": {says(answer)}, "b": {says(answer).in(5 * time.Second)}, "judge": {verdictOf(`{"winner":"1"}`).in(time.Second)}}
	scripted(t, steps, judged(t, 1), func(t *testing.T, l *lab, p *playbook) {
		ctx, cancel := context.WithCancel(context.Background())
		l.doAs(ctx, &client{}, ask)
		cancel()
		l.settled()
		l.do(ask)
		time.Sleep(5500 * time.Millisecond) // of the bubble: the second one's judge is at work
		l.Stop()
		l.settled()
		want := "baseline answered, challenger first, winner challenger\nbaseline answered, challenger first, winner none because the judge gave no verdict: TEMPORARILY_UNAVAILABLE: the gateway is stopping; try again"
		if got := l.verdicts(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestComparisonsThatAreLost(t *testing.T) {
	steps := map[string][]step{"a": {says(answer)}, "b": {says(answer)}, "judge": {verdictOf(`{"winner":"1"}`)}}
	scripted(t, steps, judged(t, 1), func(t *testing.T, l *lab, p *playbook) {
		l.recorder.ComparisonErr = errors.New("disk full")
		l.do(ask)
		synctest.Wait()
		if got := strings.Join(l.meter.unrecorded, ", "); got != "comparison" {
			t.Errorf("counted %q", got)
		}
	})
}
