package judge

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// Winner is what a judge decided, by the order the answers were shown in.
type Winner int

// The decisions.
const (
	Tie Winner = iota
	First
	Second
)

// Verdict is a judge's answer.
type Verdict struct {
	Winner Winner
	Reason string // at most MaxReason bytes; "" when it gave none
}

// MaxReason bounds the reason that is kept, in bytes.
const MaxReason = 2000

// ErrUnreadable says that an answer has no verdict. Test for it with errors.Is; the error's text has
// nothing of the answer.
var ErrUnreadable = errors.New("the judge's answer can't be read")

var (
	errNoVerdict = unreadable("it has no object with a winner of 1, 2 or tie")
	errTwo       = unreadable("it names two different winners")
)

type unreadable string

func (u unreadable) Error() string   { return ErrUnreadable.Error() + ": " + string(u) }
func (u unreadable) Is(e error) bool { return e == ErrUnreadable }

const (
	maxVerdict = 256 << 10 // bytes of an answer that are looked at: its end
	maxObjects = 200       // places at which an object is tried
)

// Parse reads a judge's answer: a JSON object with winner and reason, bare or with text, fences or
// thoughts around it. An object that is given twice counts once; two that differ are no verdict.
func Parse(answer string) (Verdict, error) {
	if len(answer) > maxVerdict {
		answer = answer[len(answer)-maxVerdict:]
	}
	if _, after, ok := strings.Cut(answer, "</think>"); ok {
		answer = after
	}
	var found *Verdict
	for tries := 0; tries < maxObjects; tries++ {
		i := strings.IndexByte(answer, '{')
		if i < 0 {
			break
		}
		answer = answer[i:]
		var o object
		d := json.NewDecoder(strings.NewReader(answer))
		if d.Decode(&o) != nil {
			answer = answer[1:]
			continue
		}
		answer = answer[d.InputOffset():]
		v, ok := o.verdict()
		switch {
		case !ok:
		case found == nil:
			found = &v
		case found.Winner != v.Winner:
			return Verdict{}, errTwo
		}
	}
	if found == nil {
		return Verdict{}, errNoVerdict
	}
	return *found, nil
}

// object is a verdict as judges write it.
type object struct {
	Winner json.RawMessage `json:"winner"`
	Reason json.RawMessage `json:"reason"`
}

func (o *object) verdict() (Verdict, bool) {
	w, ok := winner(o.Winner)
	if !ok {
		return Verdict{}, false
	}
	var reason string
	if json.Unmarshal(o.Reason, &reason) != nil {
		reason = "" // a verdict without a text for a reason is one
	}
	return Verdict{w, clip(strings.TrimSpace(reason), MaxReason)}, true
}

// winner reads 1, "1", "Answer 1", "tie" and the like.
func winner(raw json.RawMessage) (Winner, bool) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw) // a number
	}
	text = strings.ToLower(strings.Trim(text, " \t\r\n.*_\"'#"))
	for _, prefix := range []string{"answer", "response", "option"} {
		text = strings.TrimLeft(strings.TrimPrefix(text, prefix), " _-#")
	}
	switch text {
	case "1", "1.0", "one", "first", "a":
		return First, true
	case "2", "2.0", "two", "second", "b":
		return Second, true
	case "tie", "draw", "equal", "neither", "both", "none", "0":
		return Tie, true
	}
	return Tie, false
}

func clip(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
