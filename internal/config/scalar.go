package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lakegate/lakegate/internal/pricing"
	"github.com/lakegate/lakegate/internal/secret"
)

// scalar decodes a single value after replacing ${NAME} in it.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	hidden := v.Type() == secretType
	if n.Kind != yaml.ScalarNode {
		d.fault(n, path, "want %s, got %s%s", wanted(v.Type()), kindOf(n), unquotedReference(n))
		return
	}
	p := d.places[path]
	if !hidden {
		p.text = n.Value
	}
	d.places[path] = p
	text, unset, err := n.Value, []string(nil), error(nil)
	if !d.api {
		text, unset, err = expand(n.Value, d.env)
	}
	if err != nil {
		d.fault(n, path, "%v", err)
		return
	}
	if len(unset) > 0 && hidden && d.lakeOnly && !strings.HasPrefix(path, "lake.") {
		text, unset = unsetSecret+unset[0], nil
	}
	for _, name := range unset {
		d.fault(n, path, "environment variable %s is not set", name)
	}
	if len(unset) > 0 {
		return
	}
	// Text in quotes is text: a number has to be written as one, unless it comes from outside.
	fromEnv := text != n.Value
	if err := setScalar(v, text, n.ShortTag(), fromEnv); err != nil {
		d.fault(n, path, "%v, got %s%s", err, quote(n.Value), needlessQuotes(n))
	}
}

// setScalar stores text in v. Its errors say what is wanted and never contain text.
func setScalar(v reflect.Value, text, tag string, fromEnv bool) error {
	isText := tag == "!!str" && !fromEnv
	want := fmt.Errorf("want %s", wanted(v.Type()))
	switch {
	case v.Type() == secretType:
		v.Set(reflect.ValueOf(secret.New(text)))
	case v.Type() == durationType:
		x, err := time.ParseDuration(text)
		if err != nil {
			return want
		}
		v.SetInt(int64(x))
	case v.Type() == bytesType:
		x, err := ParseBytes(text)
		if err != nil {
			return want
		}
		v.SetInt(int64(x))
	case isWord(v.Type()):
		if v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)) != nil {
			return want
		}
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		if isText || text != "true" && text != "false" {
			return want
		}
		v.SetBool(text == "true")
	case v.CanInt():
		x, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if isText || err != nil {
			return want
		}
		v.SetInt(x)
	case v.CanFloat():
		x, err := strconv.ParseFloat(text, 64)
		if isText || err != nil {
			return want
		}
		v.SetFloat(x)
	default:
		panic("config: no way to decode " + v.Type().String())
	}
	return nil
}

// wanted says in words what a value of type t looks like.
func wanted(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a duration such as 10s or 5m"
	case t == bytesType:
		return "a size such as 64MiB"
	case t == reflect.TypeFor[pricing.PerMillion]():
		return "a number of US dollars such as 2.50, with at most 9 decimals"
	case t == reflect.TypeFor[pricing.Percent]():
		return "a number of percent such as 12.5, with at most 4 decimals"
	case t == reflect.TypeFor[pricing.Date]():
		return "a day such as 2026-11-20"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		return "a whole number"
	case t.Kind() == reflect.Float64:
		return "a number"
	default:
		return "text"
	}
}

// unquotedReference adds a hint for key: {{secrets/scope/key}}, which YAML takes for two nested
// mappings.
func unquotedReference(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode {
		return `; write a reference in quotes: "{{secrets/scope/key}}"`
	}
	return ""
}

// needlessQuotes adds a hint for key: "10", which is text and no number.
func needlessQuotes(n *yaml.Node) string {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && !strings.Contains(n.Value, "${") {
		return " as text; leave out the quotes"
	}
	return ""
}

// quote shows a value as it stands in the file, shortened.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}
