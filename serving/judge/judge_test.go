package judge

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// testdata/verdicts.txt has what judges write, and what is read from it.
func TestParse(t *testing.T) {
	b, err := os.ReadFile("testdata/verdicts.txt")
	if err != nil {
		t.Fatal(err)
	}
	words := map[Winner]string{First: "1", Second: "2", Tie: "tie"}
	for i, block := range strings.Split(strings.TrimSpace(string(b)), "\n----\n") {
		answer, want, ok := strings.Cut(block, "\n=> ")
		if !ok {
			t.Fatalf("block %d has no result", i)
		}
		got := ""
		v, err := Parse(answer)
		switch {
		case errors.Is(err, ErrUnreadable):
			got = "! " + strings.TrimPrefix(err.Error(), ErrUnreadable.Error()+": ")
		case err != nil:
			t.Fatal(err)
		default:
			got = strings.TrimSpace(words[v.Winner] + " " + v.Reason)
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", answer, got, want)
		}
	}
}

// Whatever a judge writes is read in bounded time, and as a verdict or not at all.
func FuzzParse(f *testing.F) {
	b, err := os.ReadFile("testdata/verdicts.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, block := range strings.Split(string(b), "\n----\n") {
		f.Add(block)
	}
	f.Add(strings.Repeat(`{"winner":`, 5000))
	f.Fuzz(func(t *testing.T, answer string) {
		v, err := Parse(answer)
		if err != nil {
			if !errors.Is(err, ErrUnreadable) || v != (Verdict{}) {
				t.Fatalf("%+v, %v", v, err)
			}
			return
		}
		if v.Winner < Tie || v.Winner > Second || len(v.Reason) > MaxReason || !utf8.ValidString(v.Reason) {
			t.Fatalf("%+v", v)
		}
	})
}

func TestPrompt(t *testing.T) {
	c := &Case{Question: "user: who?", First: "me\n%s", Second: "you", Mark: "@@7f3a"}
	p := Prompt(c)
	for _, part := range []string{
		DefaultRubric, "@@7f3a BEGIN REQUEST\nuser: who?\n@@7f3a END REQUEST\n", "@@7f3a BEGIN ANSWER 1\nme\n%s\n@@7f3a END ANSWER 1\n", "BEGIN ANSWER 2\nyou\n@@7f3a", `{"reason": "...", "winner": "..."}`,
	} {
		if !strings.Contains(p, part) {
			t.Errorf("%q is not in\n%s", part, p)
		}
	}
	c.Rubric = " the shorter one\n"
	if p := Prompt(c); strings.Contains(p, DefaultRubric) || !strings.Contains(p, "by this rubric:\n\nthe shorter one\n\n") {
		t.Errorf("the rubric is not in\n%s", p)
	}
	if _, err := Parse(p); err == nil {
		t.Error("the question itself is a verdict")
	}
}

func TestLongTextsLoseTheirMiddle(t *testing.T) {
	long := strings.Repeat("é", MaxAnswer) // twice the bound, in bytes
	for _, text := range []string{long, "a" + long, "ab" + long + "c"} {
		got := shortened(text, MaxAnswer)
		if len(got) > MaxAnswer+100 || !utf8.ValidString(got) || !strings.Contains(got, "bytes left out") || got[:1] != text[:1] || !strings.HasSuffix(got, text[len(text)-1:]) {
			t.Errorf("%d bytes became %d: %.20s", len(text), len(got), got)
		}
	}
	if got := shortened("short", 5); got != "short" {
		t.Error(got)
	}
	p := Prompt(&Case{Question: strings.Repeat("q", 1<<20), First: strings.Repeat("a", 1<<20), Second: strings.Repeat("b", 1<<20)})
	if len(p) > MaxQuestion+2*MaxAnswer+4<<10 {
		t.Errorf("a prompt of %d bytes", len(p))
	}
}

func TestTexts(t *testing.T) {
	text := func(s string) []chat.Part { return []chat.Part{{Kind: chat.Text, Text: s}} }
	r := &chat.Request{
		System: text("be brief"),
		Messages: []chat.Message{
			{Role: chat.User, Parts: append(text("what is this? "), chat.Part{Kind: chat.Image, Media: &chat.Media{Data: "AAAA"}})},
			{Role: chat.Assistant, Parts: []chat.Part{{Kind: chat.Thinking, Text: "hm"}, {Kind: chat.Call, Call: &chat.ToolCall{Name: "look", Arguments: `{"at":1}`}}}},
			{Role: chat.User, Parts: []chat.Part{{Kind: chat.ToolResult, Result: &chat.Result{Parts: text("a cat")}}}},
		},
		Tools:  []chat.Tool{{Name: "look", Description: "looks", Schema: []byte(`{"type":"object"}`)}},
		Output: &chat.Output{Kind: "json_object"},
	}
	want := "system: be brief\nuser: what is this? [image]\nassistant: [calls the tool look with {\"at\":1}]\nuser: [a tool returns a cat\n]\n" +
		"[tools the model may call:\nlook {\"type\":\"object\"}: looks]\n[the answer is to be JSON: json_object ]"
	if got := Question(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, c := range []struct {
		answer *chat.Answer
		want   string
	}{
		{&chat.Answer{}, ""},
		{&chat.Answer{Choices: []chat.Choice{{Parts: text("a cat")}, {Parts: text("a dog")}}}, "a cat"},
		{&chat.Answer{Choices: []chat.Choice{{Parts: text("a c"), Stop: chat.StopLength}}}, "a c\n[the answer ends here for want of tokens]"},
		{&chat.Answer{Choices: []chat.Choice{{Stop: chat.StopFilter}}}, "[a filter of the provider ended the answer here]"},
		{&chat.Answer{Choices: []chat.Choice{{Parts: []chat.Part{{Kind: chat.Thinking, Text: "hm"}}}}}, ""},
	} {
		if got := Answer(c.answer); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
