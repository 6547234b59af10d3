package prompt

import (
	"strconv"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Ask is what a client's body says to a template.
type Ask struct {
	Version int64  // 0: whichever is active
	ID      string // of OpenAI's field prompt, "" for none

	variables []byte // a JSON object, nil for none
	field     string // the member they are in
	typed     bool   // values may be OpenAI's input_text
	own       []int  // members that are not for the provider
}

// rowFields are where invocations have variables: Databricks' words for the input of a model of
// one's own.
var rowFields = [...]string{"inputs", "instances", "dataframe_records", "dataframe_split"}

// Read finds what a body in format f says to a template. invocation: it came on a path whose
// clients say inputs or dataframe_records.
func Read(o *rawjson.Object, f wire.Format, invocation bool) (*Ask, *apierr.Error) {
	a := &Ask{}
	if err := onePlace(o, f); err != nil {
		return nil, err
	}
	for i := range o.Len() {
		var err *apierr.Error
		switch name := string(o.Name(i)); {
		case name == "variables":
			a.own = append(a.own, i)
			err = a.take(name, o.Kind(i), o.Value(i))
		case name == "version":
			a.own = append(a.own, i)
			err = a.version(name, o.Kind(i), o.Value(i))
		case name == "prompt" && (f == wire.OpenAIResponses || f == wire.OpenAIChat):
			a.own = append(a.own, i)
			err = a.reference(o.Kind(i), o.Value(i))
		case invocation && isRow(name):
			a.own = append(a.own, i)
			err = a.row(name, o.Kind(i), o.Value(i))
		}
		if err != nil {
			return nil, err
		}
	}
	return a, nil
}

// onePlace refuses a second place for messages, also one that a provider with a lax decoder would
// take for it: the template would be in the other.
func onePlace(o *rawjson.Object, f wire.Format) *apierr.Error {
	for _, place := range styles[f].places {
		found := false
		for i := range o.Len() {
			name := string(o.Name(i))
			if !sameName(name, place) {
				continue
			}
			if found {
				return invalid(clip(name), "field %q is there twice", clip(name))
			}
			if name != place && name != "system_instruction" {
				return invalid(place, "field %q must be written %q", clip(name), place)
			}
			found = true
		}
	}
	return nil
}

func isRow(name string) bool {
	for _, n := range rowFields {
		if n == name {
			return true
		}
	}
	return false
}

func invalid(field, format string, args ...any) *apierr.Error {
	return apierr.New(apierr.InvalidParameter, format, args...).At(field)
}

// take notes the variables.
func (a *Ask) take(field string, k rawjson.Kind, v []byte) *apierr.Error {
	switch {
	case k == rawjson.Null:
		return nil
	case k != rawjson.ObjectKind:
		return invalid(field, "field %q must be an object with a value for each variable, not %s", field, k)
	case a.variables != nil:
		return invalid(field, "the variables are in %q and in %q; give them once", a.field, field)
	}
	a.variables, a.field = v, field
	return nil
}

func (a *Ask) version(field string, k rawjson.Kind, v []byte) *apierr.Error {
	if k == rawjson.Null {
		return nil
	}
	text := string(v)
	if k == rawjson.String {
		text = rawjson.Unquote(v)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || k != rawjson.String && k != rawjson.Number {
		return invalid(field, "field %q must be the number of a version of the prompt, such as 2", field)
	}
	if a.Version != 0 && a.Version != n {
		return invalid(field, "the body asks for version %d and for version %d of the prompt", a.Version, n)
	}
	a.Version = n
	return nil
}

// reference reads OpenAI's field prompt.
func (a *Ask) reference(k rawjson.Kind, v []byte) (err *apierr.Error) {
	if k == rawjson.Null {
		return nil
	}
	if k != rawjson.ObjectKind {
		return invalid("prompt", "field \"prompt\" must be an object with id, version and variables, not %s", k)
	}
	a.typed = true
	rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "id":
			if k != rawjson.String {
				err = invalid("prompt.id", "field \"prompt.id\" must be a string, not %s", k)
				return false
			}
			a.ID = rawjson.Unquote(v)
		case "version":
			err = a.version("prompt.version", k, v)
		case "variables":
			err = a.take("prompt.variables", k, v)
		default:
			err = invalid("prompt", "field \"prompt\" has no member %q: it has id, version and variables", clip(string(name)))
		}
		return err == nil
	})
	return err
}

// ID returns the id in a value of OpenAI's field prompt, "" when it has none.
func ID(value []byte) (id string) {
	rawjson.Members(value, func(name []byte, k rawjson.Kind, v []byte) bool {
		if string(name) == "id" && k == rawjson.String {
			id = rawjson.Unquote(v)
		}
		return true
	})
	return id
}

// row reads variables as Databricks' models of one's own have their input: one row of it.
func (a *Ask) row(field string, k rawjson.Kind, v []byte) *apierr.Error {
	switch {
	case field == "dataframe_split" && k == rawjson.ObjectKind:
		return a.split(field, v)
	case k == rawjson.Array:
		rows := items(v)
		if len(rows) != 1 {
			return invalid(field, "field %q must have one row, which is one call; it has %d", field, len(rows))
		}
		c := rawjson.Walk(rows[0])
		return a.take(field, c.Kind(), rows[0])
	default:
		return a.take(field, k, v)
	}
}

// split reads a data frame: names of columns, and rows of values.
func (a *Ask) split(field string, v []byte) *apierr.Error {
	var names, rows [][]byte
	rawjson.Members(v, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "columns":
			names = items(v)
		case "data":
			rows = items(v)
		}
		return true
	})
	if len(rows) != 1 {
		return invalid(field, "field %q must have one row in data, which is one call; it has %d", field, len(rows))
	}
	values := items(rows[0])
	if len(values) != len(names) {
		return invalid(field, "field %q has %d columns and a row of %d values", field, len(names), len(values))
	}
	object := []byte{'{'}
	for i, n := range names {
		if c := rawjson.Walk(n); c.Kind() != rawjson.String {
			return invalid(field, "field %q must have the names of variables in columns", field)
		}
		if i > 0 {
			object = append(object, ',')
		}
		object = append(append(append(object, n...), ':'), values[i]...)
	}
	return a.take(field, rawjson.ObjectKind, append(object, '}'))
}

// items returns the values of an array; nil for anything else.
func items(array []byte) (all [][]byte) {
	c := rawjson.Walk(array)
	if c.Kind() != rawjson.Array {
		return nil
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		all = append(all, c.Take())
	}
	return all
}
