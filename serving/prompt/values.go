package prompt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// maxNamed bounds how many variables an error names.
const maxNamed = 20

// values returns what each variable stands for, as insides of JSON strings. Texts are inserted as
// they are, anything else as its JSON; null is as good as nothing.
func (v *Version) values(a *Ask) ([][]byte, *apierr.Error) {
	values := make([][]byte, len(v.defaults))
	var unknown []string
	var err *apierr.Error
	rawjson.Members(a.variables, func(name []byte, k rawjson.Kind, value []byte) bool {
		i, ok := v.find(name)
		switch {
		case !ok:
			unknown = append(unknown, memberName(name))
			return len(unknown) <= maxNamed
		case k == rawjson.Null:
			return true
		case values[i] != nil:
			err = invalid(a.field, "variable %q is there twice", memberName(name))
			return false
		}
		values[i], err = a.inside(name, k, value)
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	var missing []string
	for name, i := range v.index {
		if values[i] == nil {
			if values[i] = v.defaults[i]; values[i] == nil {
				missing = append(missing, name)
			}
		}
	}
	if len(unknown) > 0 || len(missing) > 0 {
		return nil, v.wrong(a, unknown, missing)
	}
	return values, nil
}

// find returns the index of the variable called name, as it is written in a body.
func (v *Version) find(name []byte) (int, bool) {
	if i, ok := v.index[string(name)]; ok {
		return i, true
	}
	for _, c := range name {
		if c == '\\' {
			i, ok := v.index[memberName(name)]
			return i, ok
		}
	}
	return 0, false
}

func memberName(name []byte) string {
	quoted := make([]byte, 0, len(name)+2)
	return rawjson.Unquote(append(append(append(quoted, '"'), name...), '"'))
}

// inside returns a value as the inside of a JSON string. It is never nil, unless with an error.
func (a *Ask) inside(name []byte, k rawjson.Kind, value []byte) ([]byte, *apierr.Error) {
	if k == rawjson.ObjectKind && a.typed {
		text, ok := inputText(value)
		if !ok {
			return nil, invalid(a.field, "variable %q must be a text, or of type input_text: pictures and files can't be put into a text", clip(memberName(name)))
		}
		k, value = rawjson.String, text
	}
	if k != rawjson.String {
		return appendInside(make([]byte, 0, len(value)+16), value), nil
	}
	inside := value[1 : len(value)-1]
	for _, c := range inside {
		if c == '\\' { // afresh: half a surrogate pair could find its other half in the text behind it
			text := rawjson.Unquote(value)
			return appendInside(make([]byte, 0, len(text)+16), text), nil
		}
	}
	return inside[:len(inside):len(inside)], nil
}

// inputText returns the text of OpenAI's {"type": "input_text", "text": "..."}.
func inputText(object []byte) (text []byte, ok bool) {
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "type":
			ok = string(v) == `"input_text"`
		case "text":
			if k == rawjson.String {
				text = v
			}
		}
		return true
	})
	return text, ok && text != nil
}

// wrong says which variables are missing, and which are not there.
func (v *Version) wrong(a *Ask, unknown, missing []string) *apierr.Error {
	var texts []string
	if len(missing) > 0 {
		slices.Sort(missing)
		texts = append(texts, "needs "+quoted(missing))
	}
	if len(unknown) > 0 {
		texts = append(texts, "has no "+quoted(unknown))
	}
	has := "it has no variables"
	if len(v.Variables) > 0 {
		names := make([]string, len(v.Variables))
		for i, x := range v.Variables {
			names[i] = x.Name
		}
		has = "it has " + quoted(names)
	}
	field := a.field
	if field == "" {
		field = "variables"
	}
	return invalid(field, "version %d of the prompt %s; %s", v.Number, strings.Join(texts, ", and "), has)
}

func quoted(names []string) string {
	var b strings.Builder
	if len(names) > 1 {
		b.WriteString("variables ")
	} else {
		b.WriteString("variable ")
	}
	for i, n := range names {
		if i == maxNamed {
			b.WriteString(" and more")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", clip(n))
	}
	return b.String()
}
