package anthropic

import (
	"bytes"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// parseAnswer reads a Message. The error is a *rawjson.SyntaxError.
func parseAnswer(body []byte) (wire.Answer, error) {
	var a wire.Answer
	var o rawjson.Object
	if err := o.Parse(body, maxDepth); err != nil {
		return a, err
	}
	for i := range o.Len() {
		v, kind := o.Value(i), o.Kind(i)
		switch string(o.Name(i)) {
		case "type":
			a.Failed = string(v) == `"error"`
		case "model":
			if kind == rawjson.String {
				a.Model = rawjson.Unquote(v)
			}
		case "usage":
			a.Usage, a.HasUsage = ParseUsage(v)
		case "content":
			if kind == rawjson.Array {
				a.OutputChars = textChars(v)
			}
		}
	}
	return a, nil
}

// textChars counts the text of an answer's content; nil when no block is text.
func textChars(content []byte) *int64 {
	var n *int64
	c := rawjson.Walk(content)
	for ok := c.Enter(); ok; ok = c.Next() {
		block := c.Take()
		if string(memberOf(block, "type")) == `"text"` {
			sum := value(n) + rawjson.Chars(memberOf(block, "text"))
			n = &sum
		}
	}
	return n
}

// parseCount reads the answer of count_tokens, of which nothing is needed.
func parseCount(body []byte) (wire.Answer, error) {
	var o rawjson.Object
	err := o.Parse(body, maxDepth)
	return wire.Answer{}, err
}

// inputChars counts the text of system and messages: text blocks, and the text in results of tools.
func inputChars(body []byte) *int64 {
	var n int64
	found := false
	rawjson.Members(bytes.TrimSpace(body), func(name []byte, k rawjson.Kind, v []byte) bool {
		switch {
		case string(name) == "system" && k != rawjson.Null:
			n, found = n+blocksChars(v), true
		case string(name) == "messages" && k == rawjson.Array:
			c := rawjson.Walk(v)
			for ok := c.Enter(); ok; ok = c.Next() {
				n, found = n+blocksChars(memberOf(c.Take(), "content")), true
			}
		}
		return true
	})
	if !found {
		return nil
	}
	return &n
}

// blocksChars counts the characters of content: a string, or the text blocks of an array and of
// the content of other blocks, as results of tools have it.
func blocksChars(content []byte) (n int64) {
	c := rawjson.Walk(content)
	switch c.Kind() {
	case rawjson.String:
		return c.TakeChars()
	case rawjson.Array:
		for ok := c.Enter(); ok; ok = c.Next() {
			n += blockChars(c.Take())
		}
	}
	return n
}

func blockChars(block []byte) (n int64) {
	var text, inner []byte
	isText := false
	rawjson.Members(block, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "type":
			isText = string(v) == `"text"`
		case "text":
			text = v
		case "content":
			inner = v
		}
		return true
	})
	if isText {
		n = rawjson.Chars(text)
	}
	return n + blocksChars(inner)
}

func memberOf(object []byte, name string) (value []byte) {
	rawjson.Members(object, func(n []byte, _ rawjson.Kind, v []byte) bool {
		if string(n) == name {
			value = v
		}
		return true
	})
	return value
}
