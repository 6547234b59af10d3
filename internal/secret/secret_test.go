package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestNoPrintPathShowsTheValue(t *testing.T) {
	const value = "sk-do-not-show-me"
	type config struct {
		Key  String
		Ptr  *String
		List []String
	}
	s := New(value)
	c := config{Key: s, Ptr: &s, List: []String{s}}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("m", "key", s, "config", c)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("m", "key", s, "config", c)
	js, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{
		fmt.Sprint(s), fmt.Sprint(fmt.Errorf("dial with %v", s)), string(js), logged.String(),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%f", "%p"} {
		out = append(out, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c), fmt.Sprintf(verb, []*config{&c}))
	}
	hex := fmt.Sprintf("%x", value)
	for _, o := range out {
		if strings.Contains(o, value) || strings.Contains(strings.ToLower(o), hex) {
			t.Errorf("the secret shows in %q", o)
		}
	}
	if got := fmt.Sprint(c.Key); got != "[redacted]" {
		t.Errorf("a secret prints as %q", got)
	}
	if s.Reveal() != value {
		t.Errorf("Reveal = %q", s.Reveal())
	}
}

func TestEmptyIsNotASecret(t *testing.T) {
	var s String
	if !s.IsZero() || s.String() != "" {
		t.Errorf("zero String prints %q", s.String())
	}
	if err := s.UnmarshalText([]byte("x")); err != nil || s.Reveal() != "x" {
		t.Errorf("UnmarshalText: %v, %q", err, s.Reveal())
	}
}
