package matrix

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// requestDiffs says how what was read back differs from what was asked, but for what was lost.
func requestDiffs(asked, back *chat.Request, lost []chat.Loss, target wire.Format) []string {
	var d differ
	gone := func(f chat.Feature) bool { return isLost(lost, asked.Name(f)) }
	between := func(m chat.Message) bool { return m.Role == chat.System }
	if slices.ContainsFunc(asked.Messages, between) && !slices.ContainsFunc(back.Messages, between) {
		movedSystem(asked, system(back)) // into a turn of the user, or to the beginning
	}
	d.text("system prompt", system(asked), system(back))
	d.text("turns", turns(asked, lost), turns(back, nil))
	lax := gone(chat.FStrict) || target == wire.GeminiGenerate // which has a mode for all tools instead
	onlyOne := asked.ToolChoice.Mode == chat.ChooseTool && forced(back) && len(back.Tools) == 1 &&
		back.Tools[0].Name == asked.ToolChoice.Name // where no tool can be chosen, the others are not offered
	if !onlyOne {
		d.text("tools", tools(asked.Tools, lax), tools(back.Tools, lax))
	}
	if !gone(chat.FToolChoice) && len(asked.Tools) > 0 && forced(asked) && !onlyOne {
		d.text("tool choice", asked.ToolChoice.Mode+asked.ToolChoice.Name, back.ToolChoice.Mode+back.ToolChoice.Name)
	}
	if !gone(chat.FParallel) && len(asked.Tools) > 0 {
		d.text("parallel calls switched off", fmt.Sprint(asked.OneToolAtATime), fmt.Sprint(back.OneToolAtATime))
	}
	for _, f := range []struct {
		feature     chat.Feature
		asked, back string
	}{
		{chat.FTemperature, string(asked.Temperature), string(back.Temperature)},
		{chat.FTopP, string(asked.TopP), string(back.TopP)},
		{chat.FTopK, string(asked.TopK), string(back.TopK)},
		{chat.FSeed, number(asked.Seed), number(back.Seed)},
		{chat.FStop, strings.Join(asked.Stop, "|"), strings.Join(back.Stop, "|")},
		{chat.FFrequencyPenalty, string(asked.FrequencyPenalty), string(back.FrequencyPenalty)},
		{chat.FPresencePenalty, string(asked.PresencePenalty), string(back.PresencePenalty)},
		{chat.FLogProbs, fmt.Sprint(asked.LogProbs), fmt.Sprint(back.LogProbs)},
	} {
		if f.asked != "" && !gone(f.feature) {
			d.text(string(f.feature), f.asked, f.back)
		}
	}
	if asked.MaxTokens != nil && !gone(chat.FMaxTokens) {
		d.text("max tokens", number(asked.MaxTokens), number(back.MaxTokens))
	}
	if asked.Output != nil && !gone(chat.FOutput) && back.Output != nil {
		d.text("output", asked.Output.Kind+" "+closed(asked.Output.Schema), back.Output.Kind+" "+closed(back.Output.Schema))
	}
	if asked.Output != nil && !gone(chat.FOutput) && back.Output == nil && !slices.ContainsFunc(back.Tools, func(t chat.Tool) bool { return strings.HasPrefix(t.Name, "lakegate_") }) {
		d.all = append(d.all, "the shape of the output is gone")
	}
	return d.all
}

// closed is a schema without the word that some providers want in every one of an output.
func closed(schema []byte) string {
	return strings.ReplaceAll(canonical(schema), `"additionalProperties":false,`, "")
}

func forced(r *chat.Request) bool {
	return r.ToolChoice.Mode != "" && r.ToolChoice.Mode != chat.ChooseAuto
}

func isLost(lost []chat.Loss, field string) bool {
	return slices.ContainsFunc(lost, func(l chat.Loss) bool {
		return l.Field == field || strings.HasPrefix(l.Field, field+".") || strings.HasSuffix(l.Field, "."+field)
	})
}

type differ struct{ all []string }

func (d *differ) text(what, want, got string) {
	if want != got {
		d.all = append(d.all, fmt.Sprintf("%s\nwant %s\n got %s", what, want, got))
	}
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

// movedSystem makes turns of the user of system texts in between, unless they are in the target's
// system prompt.
func movedSystem(r *chat.Request, prompt string) {
	for i, m := range r.Messages {
		if m.Role == chat.System && !strings.Contains(prompt, texts(m.Parts)) {
			r.Messages[i].Role = chat.User
		}
	}
}

// system is all that is said as the system, at the beginning or in between: not all formats can say
// it there.
func system(r *chat.Request) string {
	s := []string{texts(r.System)}
	for _, m := range r.Messages {
		if m.Role == chat.System {
			s = append(s, texts(m.Parts))
		}
	}
	return strings.Trim(strings.Join(s, "\n"), "\n")
}

func texts(parts []chat.Part) string {
	var s []string
	for _, p := range parts {
		if p.Text != "" {
			s = append(s, p.Text)
		}
	}
	return strings.Join(s, "\n")
}

// turns writes a chat in one form: who says what, neighbours of one role together. Ids of calls are
// numbered in order, since not all formats have them.
func turns(r *chat.Request, lost []chat.Loss) string {
	var out strings.Builder
	ids := map[string]string{}
	id := func(s string) string {
		if ids[s] == "" {
			ids[s] = fmt.Sprintf("#%d", len(ids)+1)
		}
		return ids[s]
	}
	role := chat.Role("")
	for _, m := range r.Messages {
		if m.Role == chat.System {
			continue
		}
		for _, p := range m.Parts {
			if slices.ContainsFunc(lost, func(l chat.Loss) bool { return l.Field == p.Path }) || p.Kind == chat.Thinking || p.Kind == chat.Text && p.Text == "" {
				continue
			}
			if m.Role != role {
				role = m.Role
				fmt.Fprintf(&out, "[%s]", role)
			}
			switch p.Kind {
			case chat.Call:
				fmt.Fprintf(&out, " call %s %s(%s)", id(p.Call.ID), p.Call.Name, canonical([]byte(p.Call.Arguments)))
			case chat.ToolResult:
				p.Result.Failed = p.Result.Failed && !strings.HasPrefix(texts(p.Result.Parts), "Error: ")
				fmt.Fprintf(&out, " result %s %s", id(p.Result.CallID), resultText(p.Result))
			case chat.Image, chat.File, chat.Audio:
				if p.Media.URL != "" {
					p.Media.MIME = "" // guessed where a format wants it
				}
				fmt.Fprintf(&out, " %s %s%.20s%s", p.Kind, p.Media.MIME, p.Media.Data, p.Media.URL)
			default: // a refusal is text where there is no word for it
				fmt.Fprintf(&out, " text %q", p.Text)
			}
		}
	}
	return out.String()
}

func resultText(r *chat.Result) string {
	text := texts(r.Parts)
	if r.Failed {
		text = "Error: " + text // what formats without a word for it have
	}
	for _, p := range r.Parts {
		if p.Media != nil {
			text += fmt.Sprintf(" %s %.20s", p.Kind, p.Media.Data)
		}
	}
	return canonical([]byte(text)) // formats that want an object wrap plain text; see unwrapped
}

// canonical is JSON with sorted members; of the objects that wrap a result in formats that take
// nothing else, what is in them.
func canonical(b []byte) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if len(bytes.TrimSpace(b)) == 0 {
		return "{}"
	}
	if d.Decode(&v) != nil {
		return string(b)
	}
	if m, ok := v.(map[string]any); ok && len(m) == 1 {
		for _, k := range []string{"result", "output", "error", "content"} {
			if inner, ok := m[k]; ok {
				v = inner
			}
		}
	}
	if s, ok := v.(string); ok {
		return s
	}
	out, err := json.Marshal(v)
	if err != nil {
		return string(b)
	}
	return string(out)
}

func tools(all []chat.Tool, lax bool) string {
	var s []string
	for _, t := range all {
		if strings.HasPrefix(t.Name, "lakegate_") {
			continue // stands for a shape of the output
		}
		if len(t.Schema) == 0 {
			t.Schema = []byte(`{"type":"object","properties":{}}`)
		}
		line := t.Name + ": " + t.Description + " " + canonical(t.Schema)
		if !lax && t.Strict != nil && *t.Strict {
			line += " strict"
		}
		s = append(s, line)
	}
	return strings.Join(s, "\n")
}

// answerDiffs says how an answer that was read back differs.
func answerDiffs(told, back *chat.Answer, client wire.Format) []string {
	var d differ
	if len(told.Choices) != len(back.Choices) {
		return []string{fmt.Sprintf("%d choices, want %d", len(back.Choices), len(told.Choices))}
	}
	for i := range told.Choices {
		w, g := &told.Choices[i], &back.Choices[i]
		d.text("answer", said(w), said(g))
		if !slices.Contains(sameStop[w.Stop], g.Stop) && w.Stop != g.Stop {
			d.text("stop", string(w.Stop), string(g.Stop))
		}
	}
	if told.HasUsage {
		d.text("usage", counts(told.Usage, client), counts(back.Usage, client))
	}
	return d.all
}

// sameStop are the reasons that formats with fewer words for them have instead.
var sameStop = map[chat.Stop][]chat.Stop{
	chat.StopSequence: {chat.StopEnd},
	chat.StopRefusal:  {chat.StopFilter, chat.StopEnd},
	chat.StopFilter:   {chat.StopRefusal, chat.StopOther},
	chat.StopPause:    {chat.StopEnd},
	chat.StopOther:    {chat.StopEnd},
}

// said is the text, the calls and the refusal of an answer.
func said(c *chat.Choice) string {
	var text, thoughts, refusal, calls strings.Builder
	for _, p := range c.Parts {
		switch p.Kind {
		case chat.Text:
			text.WriteString(p.Text)
		case chat.Thinking:
			thoughts.WriteString(p.Text)
		case chat.Refusal:
			refusal.WriteString(p.Text)
		case chat.Call:
			fmt.Fprintf(&calls, " %s(%s)", p.Call.Name, canonical([]byte(p.Call.Arguments)))
		}
	}
	words := text.String() + refusal.String()
	if strings.HasPrefix(words, "{") {
		words = canonical([]byte(words)) // of JSON the white space means nothing
	}
	return fmt.Sprintf("text %q thoughts %q calls %s", words, thoughts.String(), calls.String())
}

// counts are the classes of usage that all formats can say.
func counts(u inference.Usage, client wire.Format) string {
	s := fmt.Sprintf("in %s out %s", number(u.Input), number(u.Output))
	if client != wire.CohereChat {
		s += " cached " + orZero(u.CachedInput)
	}
	if client == wire.OpenAIChat || client == wire.OpenAIResponses || client == wire.GeminiGenerate {
		s += " reasoning " + orZero(u.Reasoning)
	}
	return s
}

func orZero(n *int64) string {
	if n == nil {
		return "0"
	}
	return fmt.Sprint(*n)
}

// collect makes an answer of deltas. The second is the provider's error, if it told of one.
func collect(deltas []chat.Delta) (*chat.Answer, string) {
	a := &chat.Answer{}
	choice := func(i int) *chat.Choice {
		for len(a.Choices) <= i {
			a.Choices = append(a.Choices, chat.Choice{Index: len(a.Choices)})
		}
		return &a.Choices[i]
	}
	calls := map[[2]int]*chat.ToolCall{}
	for _, d := range deltas {
		switch d.Kind {
		case chat.DeltaError:
			return a, "error: " + d.Text
		case chat.DeltaText, chat.DeltaThinking, chat.DeltaRefusal:
			kind := map[chat.DeltaKind]chat.PartKind{chat.DeltaText: chat.Text, chat.DeltaThinking: chat.Thinking, chat.DeltaRefusal: chat.Refusal}[d.Kind]
			c := choice(d.Choice)
			c.Parts = append(c.Parts, chat.Part{Kind: kind, Text: d.Text})
		case chat.DeltaCall:
			call := &chat.ToolCall{ID: d.CallID, Name: d.Name, Arguments: d.Text}
			calls[[2]int{d.Choice, d.Tool}] = call
			c := choice(d.Choice)
			c.Parts = append(c.Parts, chat.Part{Kind: chat.Call, Call: call})
		case chat.DeltaArguments:
			if call := calls[[2]int{d.Choice, d.Tool}]; call != nil {
				call.Arguments += d.Text
			}
		case chat.DeltaFinish:
			c := choice(d.Choice)
			c.Stop, c.StopText = d.Stop, d.StopText
		case chat.DeltaUsage:
			a.Usage, a.HasUsage = d.Usage, true
		case chat.DeltaStart:
			a.ID, a.Model, a.Created = d.ID, d.Model, d.Created
		}
	}
	return a, ""
}
