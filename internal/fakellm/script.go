package fakellm

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// unset is the value of a number that no directive set.
const unset = -1

// Script is how one answer is to be given. It is written as words of the form name or name=value,
// separated by blanks, commas or ampersands, in one of three places, the later ones winning:
//
//	model name     "gpt-4o-mini!status=500"            answers as gpt-4o-mini
//	user message   "... x-fake: id=a1 break=3"         up to the end of the line
//	header         X-Fake: latency=50ms
//
// The message is the place that survives a gateway untouched.
type Script struct {
	ID        string        // id=a1: remember the request under this id
	Only      string        // only=gpt-5: the directives hold for this model, and id for any
	Model     string        // model=m: the model the answer names
	Status    int           // status=429: answer an error; 0 is 200
	Retry     string        // retry-after=2: the header's value, as it is
	Latency   time.Duration // latency=50ms: before the status line
	First     time.Duration // first=1s: between the header and the first chunk of a stream
	Gap       time.Duration // gap=5ms: between two chunks
	Tokens    int           // tokens=20: words of the answer
	Chunks    int           // chunks=10: pieces of the text in a stream
	Size      int           // size=1000000: bytes of text, instead of tokens
	Cached    int           // cached=64: prompt tokens said to come from the cache
	Reasoning int           // reasoning=128: hidden tokens said to be spent on thinking
	Break     int           // break=3: drop the connection after so many chunks, 0 before the first
	Hang      int           // hang=3: fall silent after so many chunks; "hang" alone before the status line
	Fail      int           // fail=3: send an error event after so many chunks, and end
	Body      string        // body=html|half|cut|empty|null|list|text: what the answer's body is instead
	NoUsage   bool          // no-usage: leave usage out
	NoDone    bool          // no-done: end a stream without [DONE]
	UsageEach bool          // usage-each: a running usage on every chunk
	Split     bool          // split: send each event in two writes
	CRLF      bool          // crlf: end lines with CR LF
	Comments  bool          // comments: keep-alive comments between events
	Gzip      bool          // gzip: compress the answer
	Echo      bool          // echo: answer with the user's own text
	Tool      bool          // tool: call the first tool even after a tool's result
	Reset     bool          // reset: close the connection without a word
}

func newScript() Script {
	return Script{
		Latency: unset, First: unset, Gap: unset, Tokens: unset, Chunks: unset, Size: unset,
		Cached: unset, Reasoning: unset, Break: unset, Hang: unset, Fail: unset,
	}
}

var bodies = map[string]bool{"html": true, "half": true, "cut": true, "empty": true, "null": true, "list": true, "text": true}

// parse adds the directives in text.
func (s *Script) parse(text string) error {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t,&", r) })
	for _, w := range words {
		name, value, has := strings.Cut(w, "=")
		if err := s.set(name, value, has); err != nil {
			return fmt.Errorf("x-fake: %q: %w", w, err)
		}
	}
	return nil
}

func (s *Script) set(name, value string, has bool) error {
	if f := s.flag(name); f != nil {
		if has {
			return fmt.Errorf("takes no value")
		}
		*f = true
		return nil
	}
	if n := s.number(name); n != nil {
		return setNumber(n, name, value, has)
	}
	if d := s.delay(name); d != nil {
		v, err := time.ParseDuration(value)
		if err != nil || v < 0 {
			return fmt.Errorf("wants a duration")
		}
		*d = v
		return nil
	}
	if !has || value == "" {
		return fmt.Errorf("unknown, or lacks its value")
	}
	switch name {
	case "id":
		s.ID = value
	case "only":
		s.Only = value
	case "model":
		s.Model = value
	case "retry-after":
		s.Retry = value
	case "body":
		if !bodies[value] {
			return fmt.Errorf("no such body")
		}
		s.Body = value
	default:
		return fmt.Errorf("unknown directive")
	}
	return nil
}

func setNumber(n *int, name, value string, has bool) error {
	if name == "hang" && !has {
		*n = 0
		return nil
	}
	v, err := strconv.Atoi(value)
	if err != nil || v < 0 {
		return fmt.Errorf("wants a number from 0")
	}
	if name == "status" && (v < 400 || v > 599) {
		return fmt.Errorf("wants a status from 400 to 599")
	}
	*n = v
	return nil
}

func (s *Script) flag(name string) *bool {
	switch name {
	case "no-usage":
		return &s.NoUsage
	case "no-done":
		return &s.NoDone
	case "usage-each":
		return &s.UsageEach
	case "split":
		return &s.Split
	case "crlf":
		return &s.CRLF
	case "comments":
		return &s.Comments
	case "gzip":
		return &s.Gzip
	case "echo":
		return &s.Echo
	case "tool":
		return &s.Tool
	case "reset":
		return &s.Reset
	}
	return nil
}

func (s *Script) number(name string) *int {
	switch name {
	case "status":
		return &s.Status
	case "tokens":
		return &s.Tokens
	case "chunks":
		return &s.Chunks
	case "size":
		return &s.Size
	case "cached":
		return &s.Cached
	case "reasoning":
		return &s.Reasoning
	case "break":
		return &s.Break
	case "hang":
		return &s.Hang
	case "fail":
		return &s.Fail
	}
	return nil
}

func (s *Script) delay(name string) *time.Duration {
	switch name {
	case "latency":
		return &s.Latency
	case "first":
		return &s.First
	case "gap":
		return &s.Gap
	}
	return nil
}
