package openai

import (
	"bytes"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// InputChars counts the characters of the text sent: contents of messages, prompt or input. It
// returns nil when there is no such field, or tokens instead of text. body is parsed JSON.
func InputChars(body []byte) *int64 {
	var n int64
	found := false
	c := rawjson.Walk(bytes.TrimLeft(body, " \t\r\n"))
	for ok := c.Enter(); ok; ok = c.Next() {
		switch string(c.Name()) {
		case "messages", "prompt", "input":
			n, found = textsChars(&c)
		default:
			c.Take()
		}
	}
	if !found {
		return nil
	}
	return &n
}

// textsChars counts a text, or those of a list of texts or of messages.
func textsChars(c *rawjson.Cursor) (n int64, found bool) {
	switch c.Kind() {
	case rawjson.String:
		return c.TakeChars(), true
	case rawjson.Array:
		for ok := c.Enter(); ok; ok = c.Next() {
			switch c.Kind() {
			case rawjson.String:
				n, found = n+c.TakeChars(), true
			case rawjson.ObjectKind:
				n, found = n+partChars(c), true
			default:
				c.Take()
			}
		}
	default:
		c.Take()
	}
	return n, found
}

// partChars counts the text of the message, or of the part of an input, at the cursor, which moves
// past it.
func partChars(c *rawjson.Cursor) (n int64) {
	for ok := c.Enter(); ok; ok = c.Next() {
		switch string(c.Name()) {
		case "content", "text":
			n += textChars(c)
		default:
			c.Take()
		}
	}
	return n
}

// memberChars counts the text in one member of the object at the cursor, which moves past it: a
// string, or the text parts of a list.
func memberChars(c *rawjson.Cursor, member string) (n int64) {
	for ok := c.Enter(); ok; ok = c.Next() {
		if string(c.Name()) == member {
			n += textChars(c)
			continue
		}
		c.Take()
	}
	return n
}

func textChars(c *rawjson.Cursor) (n int64) {
	switch c.Kind() {
	case rawjson.String:
		n = c.TakeChars()
	case rawjson.Array:
		for ok := c.Enter(); ok; ok = c.Next() {
			n += memberChars(c, "text")
		}
	default:
		c.Take()
	}
	return n
}
