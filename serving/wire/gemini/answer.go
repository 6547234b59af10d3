package gemini

import (
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseAnswer reads a whole GenerateContentResponse. An answer of unknown shape is empty, which is
// no error; the error is a *rawjson.SyntaxError.
func ParseAnswer(b []byte) (wire.Answer, error) {
	var a wire.Answer
	var o rawjson.Object
	if err := o.Parse(b, wire.MaxDepth); err != nil {
		return a, err
	}
	var acc account
	var text textCount
	for i := range o.Len() {
		v, kind := o.Value(i), o.Kind(i)
		switch string(o.Name(i)) {
		case "modelVersion":
			acc.noteModel(kind, v)
		case "usageMetadata":
			acc.noteUsage(v)
		case "candidates":
			c := rawjson.Walk(v)
			for ok := c.Enter(); ok; ok = c.Next() {
				readCandidate(c.Take(), &acc, &text)
			}
		case "error":
			a.Failed = kind == rawjson.ObjectKind
		}
	}
	a.Model = acc.model
	a.Usage, a.HasUsage = acc.result()
	a.OutputChars = text.result()
	return a, nil
}

func readCandidate(candidate []byte, acc *account, text *textCount) {
	rawjson.Members(candidate, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "content":
			eachPart(v, func(part []byte) { text.add(readPart(part)) })
		case "groundingMetadata":
			acc.noteGrounding(v)
		}
		return true
	})
}

// eachPart calls f for each part of a content.
func eachPart(content []byte, f func(part []byte)) {
	rawjson.Members(content, func(name []byte, k rawjson.Kind, v []byte) bool {
		if string(name) == "parts" && k == rawjson.Array {
			c := rawjson.Walk(v)
			for ok := c.Enter(); ok; ok = c.Next() {
				f(c.Take())
			}
		}
		return true
	})
}

// piece is a part of a content, by its bytes. Strings have their quotes.
type piece struct {
	raw       []byte
	text      []byte
	thought   bool
	signature []byte
	call      []byte // functionCall, an object
	media     bool   // something else that the model made: a picture, code
	other     bool   // members that are none of these
}

func readPart(part []byte) piece {
	p := piece{raw: part}
	rawjson.Members(part, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "text":
			if k == rawjson.String {
				p.text = v
			}
		case "thought":
			p.thought = k == rawjson.True
		case "thoughtSignature":
			if k == rawjson.String && len(v) > 2 {
				p.signature = v
			}
		case "functionCall":
			if k == rawjson.ObjectKind {
				p.call = v
			}
		case "inlineData", "fileData", "executableCode", "codeExecutionResult":
			p.media, p.other = true, true
		default:
			p.other = true
		}
		return true
	})
	return p
}

// textCount counts the characters of text that is no thought.
type textCount struct {
	n     int64
	found bool
}

func (t *textCount) add(p piece) {
	if len(p.text) > 2 && !p.thought {
		t.found = true
		t.n += rawjson.Chars(p.text)
	}
}

func (t *textCount) result() *int64 {
	if !t.found {
		return nil
	}
	n := t.n
	return &n
}
