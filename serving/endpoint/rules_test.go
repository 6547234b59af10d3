package endpoint

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		fits    []string
		not     []string
	}{
		{"high", []string{"high"}, []string{"", "High", "high ", "higher"}},
		{"*", []string{"", "a", "a*b"}, nil},
		{"gpt-*", []string{"gpt-", "gpt-4o"}, []string{"gpt", "xgpt-4o", "GPT-4o"}},
		{"*@corp.example", []string{"ann@corp.example", "@corp.example"}, []string{"ann@corp.example.org", "corp.example"}},
		{"a*b*c", []string{"abc", "axxbxxc", "abbcc"}, []string{"ab", "acb", "abcd", "xabc"}},
		{"ab*ba", []string{"abba", "abxba"}, []string{"aba", "ab", "ba"}},
		{"**", []string{"", "x"}, nil},
		{"a**a", []string{"aa", "axa"}, []string{"a"}},
		{"*aa*", []string{"aa", "baab"}, []string{"a", "aba"}},
		{"", []string{""}, []string{"a"}},
		{"ä*", []string{"ä", "äx"}, []string{"a", "\xc3"}},
	} {
		p := NewPattern(tt.pattern)
		if p.String() != tt.pattern {
			t.Errorf("%q is written as %q", tt.pattern, p)
		}
		for _, s := range tt.fits {
			if !p.Match(s) {
				t.Errorf("%q does not fit %q", s, tt.pattern)
			}
		}
		for _, s := range tt.not {
			if p.Match(s) {
				t.Errorf("%q fits %q", s, tt.pattern)
			}
		}
	}
	if (Pattern{}).Match("") || (Patterns{}).Match("") {
		t.Error("no pattern fits")
	}
}

// FuzzPattern compares patterns to regular expressions.
func FuzzPattern(f *testing.F) {
	f.Add("a*b*", "axbx")
	f.Add("**", "")
	f.Add("ab*ba", "aba")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return
		}
		want := regexp.MustCompile(`(?s)^` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `$`).MatchString(s)
		if got := NewPattern(pattern).Match(s); got != want {
			t.Errorf("%q fits %q: %v, want %v", s, pattern, got, want)
		}
	})
}
