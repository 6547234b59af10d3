package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "no JSON value at byte 0"},
		{"  \n", "no JSON value at byte 3"},
		{"[1,2]", "not a JSON object at byte 0"},
		{` "x" `, "not a JSON object at byte 1"},
		{"<html>", "a character that starts no JSON value at byte 0"},
		{"\ufeff{}", "a character that starts no JSON value at byte 0"},
		{`{"a":1`, "the end of the text inside an object at byte 6"},
		{`{"a":"x`, "the end of the text inside a string at byte 7"},
		{`{"a":[1,2`, "the end of the text inside an array at byte 9"},
		{`{"a":`, "the end of the text where a value should be at byte 5"},
		{`{"a" 1}`, "no colon after a member name at byte 5"},
		{`{"a":1 "b":2}`, "no comma or closing brace after a member at byte 7"},
		{`{"a":1,}`, "no member name where one should be at byte 7"},
		{`{a:1}`, "no member name where one should be at byte 1"},
		{`{"a":[1 2]}`, "no comma or closing bracket after an element at byte 8"},
		{`{"a":01}`, "a number with a leading zero at byte 5"},
		{`{"a":-}`, "a number without digits at byte 5"},
		{`{"a":1.}`, "a number without digits after the point at byte 5"},
		{`{"a":1e+}`, "a number without digits in its exponent at byte 5"},
		{`{"a":NaN}`, "a character that starts no JSON value at byte 5"},
		{`{"a":nul}`, "a character that starts no JSON value at byte 5"},
		{`{"a":"\x"}`, "an escape that JSON does not have at byte 6"},
		{`{"a":"\u12g4"}`, "an escape that JSON does not have at byte 6"},
		{"{\"a\":\"line\nbreak\"}", "a control character inside a string at byte 10"},
		{`{"a":1}{"b":2}`, "more text after the JSON object at byte 7"},
		{"{\"a\":\"\xff\"}", "text that is not UTF-8 at byte 6"},
		{"{\"a\":\"\xed\xa0\x80\"}", "text that is not UTF-8 at byte 6"},
		{`{"a":{"b":{"c":{}}}}`, "objects and arrays nested too deep at byte 15"},
		{`{"a":[[[]]]}`, "objects and arrays nested too deep at byte 7"},
	}
	for _, tt := range tests {
		var o Object
		err := o.Parse([]byte(tt.in), 3)
		var syn *SyntaxError
		if !errors.As(err, &syn) || err.Error() != tt.want {
			t.Errorf("Parse(%q) = %v, want %s", tt.in, err, tt.want)
		}
		if o.Len() != 0 {
			t.Errorf("Parse(%q) left %d members", tt.in, o.Len())
		}
	}
}

func TestParseFinds(t *testing.T) {
	var o Object
	in := " {\"a\" : 1 , \"m\\u006fdel\":\"x\\\"y\",\"\":null,\n\"t\":true,\"f\":false,\"o\":{\"a\":[]},\"l\":[{}, 2],\"ü\":-0.5e+3 } "
	if err := o.Parse([]byte(in), 8); err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name, value string
		kind        Kind
	}{
		{"a", "1", Number},
		{"model", `"x\"y"`, String},
		{"", "null", Null},
		{"t", "true", True},
		{"f", "false", False},
		{"o", `{"a":[]}`, ObjectKind},
		{"l", "[{}, 2]", Array},
		{"ü", "-0.5e+3", Number},
	}
	if o.Len() != len(want) {
		t.Fatalf("found %d members, want %d", o.Len(), len(want))
	}
	for i, w := range want {
		if n, v, k := string(o.Name(i)), string(o.Value(i)), o.Kind(i); n != w.name || v != w.value || k != w.kind {
			t.Errorf("member %d is %q = %s (%v), want %q = %s (%v)", i, n, v, k, w.name, w.value, w.kind)
		}
	}
	if i := o.Find("model"); i != 1 {
		t.Errorf("Find(model) = %d, want 1", i)
	}
	if i := o.Find("b"); i != -1 {
		t.Errorf("Find(b) = %d, want -1", i)
	}
}

func TestDeepNestingIsRefusedNotFollowed(t *testing.T) {
	deep := []byte(`{"a":` + strings.Repeat("[", 4<<20))
	var o Object
	err := o.Parse(deep, 200)
	if err == nil || !strings.Contains(err.Error(), "nested too deep at byte 204") {
		t.Fatalf("Parse = %v", err)
	}
}

func TestChars(t *testing.T) {
	for _, s := range []string{
		"", "a", "hello, world", strings.Repeat("0123456789", 9), "grüße", "日本語のテキスト", "a\nb\t\"c\"\\", "😀 and 👩‍👩‍👧", "\u2028\u0000\x1f", "mixed ü 😀 \n end",
	} {
		quoted, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := Chars(quoted), int64(utf8.RuneCountInString(s)); got != want {
			t.Errorf("Chars(%s) = %d, want %d", quoted, got, want)
		}
	}
	for raw, want := range map[string]int64{`"\ud83d\ude00"`: 1, `"\u00e9\u00e9x"`: 3, `"a\/b"`: 3} {
		if got := Chars([]byte(raw)); got != want {
			t.Errorf("Chars(%s) = %d, want %d", raw, got, want)
		}
	}
}

func TestInside(t *testing.T) {
	for in, want := range map[string]string{
		`plain"rest`: "5 5 true", `"`: "0 0 true", `\u00e9ü" "`: "2 8 true", `\"\\"`: "2 4 true",
		`no end`: "0 0 false", `bad \x"`: "0 0 false", "line\n\"": "0 0 false", "\xff\"": "0 0 false", ``: "0 0 false",
	} {
		n, end, ok := Inside([]byte(in))
		if got := fmt.Sprint(n, end, ok); got != want {
			t.Errorf("Inside(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestInt(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "-7": -7, "12.0": 12, "1e3": 1000, "9223372036854775807": 1<<63 - 1} {
		if got, ok := Int([]byte(in)); !ok || got != want {
			t.Errorf("Int(%s) = %d, %v", in, got, ok)
		}
	}
	for _, in := range []string{"1.5", "1e300", "", "x", "99999999999999999999"} {
		if got, ok := Int([]byte(in)); ok {
			t.Errorf("Int(%s) = %d, want none", in, got)
		}
	}
}

func TestWalk(t *testing.T) {
	var got []string
	c := Walk([]byte(`{ "a" : [1,"x]" , [ ] ,{}, {"k":"}"},null ], "b":"tail", "c":true }`))
	for ok := c.Enter(); ok; ok = c.Next() {
		name := string(c.Name())
		if c.Kind() != Array {
			got = append(got, name+"="+string(c.Take()))
			continue
		}
		for ok := c.Enter(); ok; ok = c.Next() {
			got = append(got, name+":"+string(c.Take()))
		}
	}
	if want := `a:1|a:"x]"|a:[ ]|a:{}|a:{"k":"}"}|a:null|b="tail"|c=true`; strings.Join(got, "|") != want {
		t.Errorf("walked %q, want %s", got, want)
	}
	got = nil
	Members([]byte(`{ "a" : {"x":1}, "b":[",",2] , "c":"}" }`), func(n []byte, _ Kind, v []byte) bool {
		got = append(got, string(n)+"="+string(v))
		return string(n) != "b"
	})
	if want := `a={"x":1}|b=[",",2]`; strings.Join(got, "|") != want {
		t.Errorf("Members gave %q, want %s", got, want)
	}
	if Members([]byte("[]"), nil) {
		t.Error("Members took an array")
	}
}

// FuzzWalk: on any bytes a walk comes to an end within them.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{"", "{", "[", `{"a"`, `{"a":1,`, `{a:1}`, "[x]", "[1,", `"`, `"\`, `{"a":[{"b":"c"}]}`, "[[[", "{}}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c := Walk(in)
		steps := 0
		var walk func()
		walk = func() {
			object := c.Kind() == ObjectKind
			for ok := c.Enter(); ok; ok = c.Next() {
				if steps++; steps > len(in)+1 {
					t.Fatalf("walking %q has no end", in)
				}
				if object {
					c.Name()
				}
				if k := c.Kind(); k == Array || k == ObjectKind {
					walk()
				} else if k == String {
					c.TakeChars()
				} else {
					c.Take()
				}
			}
		}
		walk()
	})
}

func TestUnquoteAndQuote(t *testing.T) {
	for _, s := range []string{"", "plain", "q\"uote", "back\\slash", "ünïcode", "\x00\n", "<&>"} {
		q := AppendQuoted(nil, s)
		var back string
		if err := json.Unmarshal(q, &back); err != nil || back != s {
			t.Errorf("AppendQuoted(%q) = %s (%v)", s, q, err)
		}
		if got := Unquote(q); got != s {
			t.Errorf("Unquote(%s) = %q, want %q", q, got, s)
		}
	}
	if got := Unquote([]byte(`"a\/b"`)); got != "a/b" {
		t.Errorf("Unquote = %q", got)
	}
}

// FuzzParse holds the scanner against encoding/json: same verdict, same members.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, `{"a":"\ud800","b":[1,2,{"c":null}]}`, `[1]`, `{"a":1e9,"a":-0.0}`, "{\"\xff\":1}", `{"a":"\\"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var o Object
		err := o.Parse(in, 500)
		std := map[string]json.RawMessage{}
		dec := json.NewDecoder(bytes.NewReader(in))
		stdErr := json.Unmarshal(in, &std)
		object := false
		if tok, e := dec.Token(); e == nil {
			object = tok == json.Delim('{')
		}
		want := stdErr == nil && object && utf8.Valid(in)
		if (err == nil) != want {
			t.Fatalf("Parse(%q) = %v, encoding/json: %v, object %v", in, err, stdErr, object)
		}
		for i := range o.Len() {
			if !json.Valid(o.Value(i)) {
				t.Fatalf("member %d of %q has value %q", i, in, o.Value(i))
			}
			if _, ok := std[string(o.Name(i))]; !ok {
				t.Fatalf("member %q of %q is not there for encoding/json", o.Name(i), in)
			}
		}
	})
}
