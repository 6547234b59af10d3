package main

import "testing"

func TestExpressions(t *testing.T) {
	for name, want := range map[string]string{
		"rows": "count(*)", "distinct served_entity_id": "count(DISTINCT served_entity_id)", "sum cost": "sum(cost)",
		"count cost": "count(cost)", "team key_tags": "count(key_tags['team'])", "length request": "sum(length(request))",
	} {
		if got := expression(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestSame(t *testing.T) {
	p := func(s string) *string { return &s }
	for _, c := range []struct {
		a, b *string
		ok   bool
	}{
		{p("12"), p("12"), true},
		{p("1.500000000"), p("1.5"), true},
		{p("120"), p("12"), false},
		{nil, nil, true},
		{nil, p("0"), false},
		{p("1.000000001"), p("1"), false},
	} {
		if err := same(c.a, c.b); (err == nil) != c.ok {
			t.Errorf("%s and %s: %v", show(c.a), show(c.b), err)
		}
	}
}
