package anthropic

import (
	"fmt"

	"github.com/lakegate/lakegate/serving/wire/fields"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// onlyHere is why a field is lost.
const onlyHere = "only Anthropic's API has it"

// losef is Lose with a format.
func (d *requestReader) losef(path, why string, args ...any) { d.Lose(path, fmt.Sprintf(why, args...)) }

// loseUnless notes a member as lost, unless its value says nothing: false, or nothing in brackets.
func (d *requestReader) loseUnless(path string, k rawjson.Kind, v []byte) {
	if k != rawjson.False && !fields.IsEmpty(v) {
		d.Lose(path, onlyHere)
	}
}

// choice returns the type member of an object, which says what its other members are.
func (d *requestReader) choice(path string, object []byte) string {
	c := rawjson.Walk(object)
	if k := c.Kind(); k != rawjson.ObjectKind {
		d.Wrong(path, "an object", k)
		return ""
	}
	v := memberOf(object, "type")
	if len(v) == 0 || v[0] != '"' {
		d.Refuse(path+".type", "%s has no type", path)
		return ""
	}
	return rawjson.Unquote(v)
}
