package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Dimension is something to group by: a column of the ledger, a unit of time, or a tag.
type Dimension struct {
	name string // as in builtins, "" for a tag
	tag  string
}

// builtins are the dimensions that are not tags, with their columns; those of time have none.
var builtins = map[string]string{
	"endpoint": "endpoint_name", "model": "model", "requester": "requester", "provider": "provider", "key": "key_id",
	"day": "", "month": "",
}

// maxTag bounds the name of a tag, in bytes.
const maxTag = 255

// ParseBy reads a list such as "team,model": endpoint, model, requester, provider, key, day and
// month are built in, every other name is a tag. "tag:model" is the tag of that name.
func ParseBy(list string) ([]Dimension, error) {
	if strings.TrimSpace(list) == "" {
		return nil, nil
	}
	var by []Dimension
	seen := map[string]bool{}
	for part := range strings.SplitSeq(list, ",") {
		d, err := parseDimension(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("group by %q: %w", list, err)
		}
		if seen[d.String()] {
			return nil, fmt.Errorf("group by %q: %s is there twice", list, d)
		}
		seen[d.String()] = true
		by = append(by, d)
	}
	return by, nil
}

func parseDimension(s string) (Dimension, error) {
	if _, ok := builtins[strings.ToLower(s)]; ok {
		return Dimension{name: strings.ToLower(s)}, nil
	}
	key := strings.TrimPrefix(s, "tag:")
	switch {
	case key == "":
		return Dimension{}, fmt.Errorf("a name is empty; use tag names and endpoint, model, requester, provider, key, day, month")
	case len(key) > maxTag:
		return Dimension{}, fmt.Errorf("a tag's name is longer than %d bytes", maxTag)
	case !utf8.ValidString(key) || strings.ContainsRune(key, '\\') || strings.ContainsFunc(key, unicode.IsControl):
		return Dimension{}, fmt.Errorf("tag %q: backslashes and control characters are not possible in a report", key)
	}
	return Dimension{tag: key}, nil
}

// String is the dimension as ParseBy reads it.
func (d Dimension) String() string {
	if d.tag == "" {
		return d.name
	}
	if _, ok := builtins[strings.ToLower(d.tag)]; ok || strings.HasPrefix(d.tag, "tag:") {
		return "tag:" + d.tag
	}
	return d.tag
}

// missing is what a line shows where the group has no value.
func (d Dimension) missing() string {
	if d.tag != "" {
		return "(untagged)"
	}
	return "(none)"
}

// expr is the dimension in SQL; NULL where a row has no value. The caller's tag comes first, the
// key's tag of the same name stands in where the caller said nothing; an empty tag says nothing.
func (d Dimension) expr(w window) string {
	switch {
	case d.tag != "":
		key := quote(d.tag)
		return "COALESCE(NULLIF(usage_context[" + key + "], ''), NULLIF(key_tags[" + key + "], ''))"
	case d.name == "day" || d.name == "month":
		return w.label(d.name)
	default:
		return builtins[d.name]
	}
}

// quote is s as a string of SQL. Backslashes, which only some dialects take for themselves, never
// get here.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
