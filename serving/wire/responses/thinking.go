package responses

import (
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// reasoning writes how much to think as an effort; a budget becomes the effort nearest to it.
func (e *requestEncoder) reasoning(model string) {
	r := e.req.Reasoning
	if r == nil || r.Off && !thinks(model) {
		return
	}
	if r.Off && alwaysThinks(model) {
		e.lose(e.req.Name(chat.FReasoning), "the model can't be kept from thinking")
		return
	}
	effort, summary := r.Effort, r.Summary
	switch {
	case r.Off:
		effort = "none"
	case effort == "" && r.Budget != nil:
		effort = chat.EffortOf(*r.Budget)
	}
	if summary == "" && r.Show {
		summary = "auto"
	}
	if effort == "" && summary == "" {
		return
	}
	e.dst = append(appendName(e.dst, "reasoning"), '{')
	e.dst = appendSome(e.dst, "effort", effort)
	e.dst = append(appendSome(e.dst, "summary", summary), '}')
}

// version returns the two numbers behind a prefix of a model's name, without what gateways put
// before it: 5 and 1 for openai/gpt-5.1-mini and gpt-, 0 and 0 for names that do not begin so.
func version(model, prefix string) (major, minor int) {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, 0
	}
	number, _, _ := strings.Cut(rest, "-")
	first, second, _ := strings.Cut(number, ".")
	major, _ = strconv.Atoi(strings.TrimRight(first, "abcdefghijklmnopqrstuvwxyz"))
	minor, _ = strconv.Atoi(second)
	return major, minor
}

// thinks reports whether a model can be asked not to think: those of OpenAI before gpt-5, but for
// the o series, never do, and refuse the question.
func thinks(model string) bool {
	major, _ := version(model, "gpt-")
	return major == 0 || major >= 5
}

// alwaysThinks reports whether a model is one of OpenAI's that know no effort of none: the o
// series, and gpt-5 before 5.1.
func alwaysThinks(model string) bool {
	o, _ := version(model, "o")
	major, minor := version(model, "gpt-")
	return o > 0 || major == 5 && minor == 0
}
