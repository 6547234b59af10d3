package responses

import (
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseAnswer reads a whole answer: a response object, or what an agent answers. An answer whose
// status is failed is Failed; the error is a *rawjson.SyntaxError.
func ParseAnswer(body []byte) (wire.Answer, error) {
	var o rawjson.Object
	if err := o.Parse(body, maxDepth); err != nil {
		return wire.Answer{}, err
	}
	a := readResponse(body)
	return a, nil
}

// readResponse reads a response object that is part of parsed JSON. Searches and the tier are
// known also where tokens are not.
func readResponse(object []byte) wire.Answer {
	var a wire.Answer
	var searches, requests *int64
	tier := ""
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "model":
			if k == rawjson.String {
				a.Model = rawjson.Unquote(v)
			}
		case "usage":
			a.Usage, a.HasUsage = ParseUsage(v)
		case "service_tier":
			tier = tierOf(k, v)
		case "output":
			a.OutputChars, searches = readOutput(v)
		case "tool_usage":
			requests = searchRequests(v)
		case "status":
			a.Failed = a.Failed || string(v) == `"failed"`
		case "error":
			a.Failed = a.Failed || k == rawjson.ObjectKind || k == rawjson.String
		}
		return true
	})
	a.Usage.ServiceTier = tier
	if a.Usage.Searches = requests; requests == nil {
		a.Usage.Searches = searches
	}
	return a
}

// tierOf returns the tier that answered. auto is what was asked for, not what answered.
func tierOf(k rawjson.Kind, v []byte) string {
	if k != rawjson.String || string(v) == `"auto"` {
		return ""
	}
	return rawjson.Unquote(v)
}

// readOutput counts the text of the messages in a list of output items, and the searches; both
// are nil when there are none.
func readOutput(items []byte) (chars, searches *int64) {
	c := rawjson.Walk(items)
	if c.Kind() != rawjson.Array {
		return nil, nil
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		item := c.Take()
		if n, ok := messageChars(item); ok {
			add(&chars, n)
		}
		if searched(item) {
			add(&searches, 1)
		}
	}
	return chars, searches
}

func add(n **int64, more int64) {
	if *n == nil {
		*n = new(int64)
	}
	**n += more
}

// messageChars counts the text of a message item. It returns false for other items.
func messageChars(item []byte) (n int64, ok bool) {
	isMessage := false
	rawjson.Members(item, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "type":
			isMessage = string(v) == `"message"`
		case "content":
			n = textChars(v)
		}
		return true
	})
	return n, isMessage
}

// textChars counts a string, or the text members of a list of parts.
func textChars(v []byte) (n int64) {
	c := rawjson.Walk(v)
	switch c.Kind() {
	case rawjson.String:
		return c.TakeChars()
	case rawjson.Array:
		for ok := c.Enter(); ok; ok = c.Next() {
			for ok := c.Enter(); ok; ok = c.Next() {
				if string(c.Name()) == "text" && c.Kind() == rawjson.String {
					n += c.TakeChars()
				} else {
					c.Take()
				}
			}
		}
	}
	return n
}

// InputChars counts the characters of the text in a request: instructions, and the contents of
// messages and tool results in input. It is nil when the body has neither.
func InputChars(body []byte) *int64 {
	var o rawjson.Object
	if o.Parse(body, maxDepth) != nil {
		return nil
	}
	var n *int64
	for i := range o.Len() {
		v, kind := o.Value(i), o.Kind(i)
		switch name := string(o.Name(i)); {
		case kind == rawjson.String && (name == "instructions" || name == "input"):
			add(&n, rawjson.Chars(v))
		case kind == rawjson.Array && (name == "instructions" || name == "input"):
			add(&n, itemsChars(v))
		}
	}
	return n
}

func itemsChars(items []byte) (n int64) {
	c := rawjson.Walk(items)
	for ok := c.Enter(); ok; ok = c.Next() {
		rawjson.Members(c.Take(), func(name []byte, _ rawjson.Kind, v []byte) bool {
			if string(name) == "content" || string(name) == "output" {
				n += textChars(v)
			}
			return true
		})
	}
	return n
}

// hasUsage reports whether anything of a usage is known.
func hasUsage(u *inference.Usage) bool {
	return u.Input != nil || u.Output != nil || u.Total != nil
}
