package prompt

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestCompileRefuses(t *testing.T) {
	user := func(s string) Spec { return Spec{Number: 1, Messages: []Message{{User, s}}} }
	with := func(parameters string) Spec {
		s := user("a")
		s.Parameters = json.RawMessage(parameters)
		return s
	}
	many := Spec{Number: 1}
	for range maxMessages + 1 {
		many.Messages = append(many.Messages, Message{User, "a"})
	}
	var names strings.Builder
	for i := range maxVariables + 1 {
		fmt.Fprintf(&names, "{{ v%d }}", i)
	}
	undeclared := user("{{ a }} {{ b }}")
	undeclared.Variables = []Variable{{Name: "a"}}
	badName := user("a")
	badName.Variables = []Variable{{Name: "a-b"}}
	for want, s := range map[string]Spec{
		"messages: want at least one":                        {Number: 1},
		"messages: want at most 64, got 65":                  many,
		`messages[0].role: want system, user or`:             {Number: 1, Messages: []Message{{"tool", "a"}}},
		"messages[1].role: system messages come first":       {Number: 1, Messages: []Message{{User, "a"}, {System, "b"}}},
		"messages[0].content: it is empty":                   user(" \n"),
		`messages[0].content: "{{" is not closed`:            user("a {{ b"),
		`messages[0].content: "{{ a b }}" is no variable`:    user("{{ a b }}"),
		`messages[0].content: "{{}}" is no variable`:         user("{{}}"),
		`messages[0].content: "{{ 1a }}" is no variable`:     user("{{ 1a }}"),
		`messages[0].content: "{{{ a }}" is no variable`:     user("{{{ a }}}"),
		"messages[0].content: a prompt can't have secrets":   user("{{secrets/a/b}}"),
		`messages[0].content: variable "b" is not among`:     undeclared,
		`variables: "a-b" is no name`:                        badName,
		"messages[0].content: it has more than 256":          user(names.String()),
		"parameters: want an object":                         with("[1]"),
		"parameters.model: a prompt can't set it":            with(`{"model":"x"}`),
		"parameters.temperature: it is there twice":          with(`{"temperature":1,"temperature":2}`),
		`parameters.temperature: field "temperature" must`:   with(`{"temperature":"hot"}`),
		`parameters.max_tokens: field "max_tokens" must be`:  with(`{"max_tokens":0}`),
		"parameters.tool_choice: field \"tool_choice\" asks": with(`{"tool_choice":"required"}`),
	} {
		_, faults := Compile(s)
		if len(faults) != 1 || !strings.HasPrefix(faults[0].Path+": "+faults[0].Message, want) {
			t.Errorf("want %s, got %v", want, faults)
		}
	}
}

// What a template's text asks for has to be given, where it says nothing else.
func TestVariablesOfTheText(t *testing.T) {
	v := version(t, Spec{Number: 1, Messages: []Message{{System, "{{ z }}"}, {User, "{{a}} {{ z }} }} { a }"}}})
	var names []string
	for _, x := range v.Variables {
		names = append(names, x.Name)
	}
	if got := strings.Join(names, " "); got != "a z" {
		t.Errorf("variables %s", got)
	}
}

func TestPickAndNumbers(t *testing.T) {
	v := make([]*Version, 5)
	for i := range v {
		v[i] = &Version{Spec: Spec{Number: int64(i + 1)}}
	}
	p := Prompt{Versions: v[:3], Active: []Share{{v[0], 90}, {v[2], 10}}}
	if p.Pick(89).Number != 1 || p.Pick(90).Number != 3 || p.Pick(199).Number != 3 || p.Pick(100).Number != 1 {
		t.Error("a draw fell to the wrong version")
	}
	if p.Lookup(2) != v[1] || p.Lookup(4) != nil || p.Lookup(0) != nil {
		t.Error("a version was mistaken for another")
	}
	for want, vs := range map[string][]*Version{
		"there is version 2": v[1:2], "there are versions 1 to 5": v, "there are versions 1, 3": {v[0], v[2]},
	} {
		if got := (&Prompt{Versions: vs}).Numbers(); got != want {
			t.Errorf("want %s, got %s", want, got)
		}
	}
}
