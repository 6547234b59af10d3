package judge

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// Question says in plain text what a request asks: who said what, and the tools there are.
func Question(r *chat.Request) string {
	var b strings.Builder
	if len(r.System) > 0 {
		b.WriteString("system: ")
		parts(&b, r.System)
	}
	for i := range r.Messages {
		m := &r.Messages[i]
		fmt.Fprintf(&b, "%s: ", m.Role)
		parts(&b, m.Parts)
	}
	if len(r.Tools) > 0 {
		b.WriteString("[tools the model may call:")
		for i := range r.Tools {
			t := &r.Tools[i]
			fmt.Fprintf(&b, "\n%s %s", t.Name, t.Schema)
			if t.Description != "" {
				b.WriteString(": " + t.Description)
			}
		}
		b.WriteString("]\n")
	}
	if o := r.Output; o != nil {
		fmt.Fprintf(&b, "[the answer is to be JSON: %s %s]\n", o.Kind, o.Schema)
	}
	return strings.TrimSpace(b.String())
}

// Answer says in plain text what an answer says: of several choices the first. Thoughts are left
// out: providers differ in what they show of them. "" says that there is nothing.
func Answer(a *chat.Answer) string {
	if len(a.Choices) == 0 {
		return ""
	}
	c := &a.Choices[0]
	var b strings.Builder
	parts(&b, c.Parts)
	text := strings.TrimSpace(b.String())
	switch {
	case c.Stop == chat.StopLength:
		text += "\n[the answer ends here for want of tokens]"
	case c.Stop == chat.StopFilter:
		text += "\n[a filter of the provider ended the answer here]"
	}
	return strings.TrimSpace(text)
}

// parts appends what parts of a message say, and a line's end.
func parts(b *strings.Builder, all []chat.Part) {
	for i := range all {
		p := &all[i]
		switch p.Kind {
		case chat.Text, chat.Refusal:
			b.WriteString(p.Text)
		case chat.Image, chat.Audio, chat.File:
			fmt.Fprintf(b, "[%s]", p.Kind)
		case chat.Call:
			fmt.Fprintf(b, "[calls the tool %s with %s]", p.Call.Name, p.Call.Arguments)
		case chat.ToolResult:
			b.WriteString("[a tool returns ")
			parts(b, p.Result.Parts)
			b.WriteString("]")
		}
	}
	b.WriteByte('\n')
}
