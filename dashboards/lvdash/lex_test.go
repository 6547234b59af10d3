package lvdash

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLex(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want []token
	}{
		{"a::INT", []token{{word, "a"}, {punct, "::"}, {word, "INT"}}},
		{"m[:k]", []token{{word, "m"}, {punct, "["}, {marker, ":k"}, {punct, "]"}}},
		{"col:path", []token{{word, "col"}, {punct, ":"}, {word, "path"}}},
		{":r.min", []token{{marker, ":r.min"}}},
		{":r.minimum", []token{{marker, ":r"}, {punct, "."}, {word, "minimum"}}},
		{"'it''s :no' :p", []token{{str, "'it''s :no'"}, {space, " "}, {marker, ":p"}}},
		{`"a\"b"`, []token{{str, `"a\"b"`}}},
		{"`a``b`", []token{{quoted, "`a``b`"}}},
		{"-- c :p\n1", []token{{space, "-- c :p\n"}, {num, "1"}}},
		{"/* a /* b */ c */x", []token{{space, "/* a /* b */ c */"}, {word, "x"}}},
		{"{c}.${s}", []token{{template, "{c}"}, {punct, "."}, {template, "${s}"}}},
		{"{ x }", []token{{punct, "{"}, {space, " "}, {word, "x"}, {space, " "}, {punct, "}"}}},
		{"1.5e-3<=>2", []token{{num, "1.5e-3"}, {punct, "<=>"}, {num, "2"}}},
		{"'open", []token{{str, "'open"}}},
	} {
		if diff := cmp.Diff(tc.want, lex(tc.in), cmp.AllowUnexported(token{})); diff != "" {
			t.Errorf("%q: %s", tc.in, diff)
		}
	}
}

// No byte may be lost or invented, whatever the input.
func FuzzLex(f *testing.F) {
	for _, s := range []string{"SELECT `a` FROM t WHERE x = :p.min -- c", "'a\\", "/*", "`", "{x", "é:p", "1e", "..5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := join(lex(s)); got != s {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
