package pricing

import (
	"strings"
	"testing"
)

const small = `
as_of: 2026-01-02
providers:
  - name: acme
    checked: 2026-01-01
    sources: [https://acme.example/prices]
    models:
      - names: [a-1]
        prices: [{input: 1, output: 2}]
`

func TestVersionFollowsContent(t *testing.T) {
	base, err := Read([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	for edit, same := range map[[2]string]bool{
		{"input: 1,", "input: 1.5,"}:                    false,
		{"[a-1]", "[a-1, a-2]"}:                         false,
		{"{input: 1", "{from: 2026-01-01, input: 1"}:    false,
		{"output: 2}", "output: 2, cached_input: 0.1}"}: false,
		{"as_of: 2026-01-02", "as_of: 2026-01-03"}:      false,
		{"input: 1,", "input: 1.00,"}:                   true,
		{"as_of:", "# a comment\nas_of:"}:               true,
	} {
		text := strings.Replace(small, edit[0], edit[1], 1)
		if text == small {
			t.Fatalf("edit %q changes nothing", edit)
		}
		l, err := Read([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if (l.Version() == base.Version()) != same {
			t.Errorf("after %q version %s, before %s", edit, l.Version(), base.Version())
		}
	}
}

func TestFaultsOfAFile(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"as_of: 2026-01-02", "", "as_of is missing"},
		{"as_of: 2026-01-02", "as_of: soon", "is not a day"},
		{"input: 1", "inputs: 1", "field inputs not found"},
		{"input: 1,", "input: 1.0000000001,", "at most 9 decimals"},
		{"input: 1,", "input: -1,", "is not a number of US dollars"},
		{"input: 1,", "input: 1e3,", "is not a number of US dollars"},
		{"input: 1,", "input: 2000000,", "above 1000000"},
		{"input: 1, ", "", "each price needs input"},
		{"{input: 1, output: 2}", "{unknown: true, input: 1}", "each price needs input"},
		{"[{input: 1, output: 2}]", "[]", "has no prices"},
		{"[{input: 1, output: 2}]", "[{from: 2026-01-02, input: 1}, {from: 2026-01-01, input: 1}]", "not in the order"},
		{"output: 2}", "output: 2, long: {over: 5, input: 2}}", "long needs over, in rising order, and the same rates"},
		{"output: 2}", "output: 2, peak: {input: 2, output: 2}}", "peak needs hours"},
		{"[a-1]", "[a-1, a-1]", `"a-1" is there twice`},
		{"[a-1]", "[A-1]", "not in lower case"},
		{"names: [a-1]", "names: []", "neither names nor prefixes"},
		{"name: acme", "name: ACME", "not in lower case"},
		{"output: 2}", "output: 2, tiers: [{for: [default], percent: 50}]}", "another word for the standard one"},
		{"output: 2}", "output: 2, tiers: [{for: [flex]}]}", "percent or rates"},
		{"output: 2}", "output: 2, tiers: [{for: [flex], percents: 50}]}", "field percents not found"},
		{"output: 2}", "output: 2, tiers: [{for: [flex], percent: 50, input: 1}]}", "percent or rates"},
		{"input: 1,", "input: 0.000000001, tiers: [{for: [flex], percent: 50}],", "more than 9 decimals"},
		{"output: 2}", "output: 2, long: {over: 5, inputs: 2}}", "field inputs not found"},
		{"output: 2}", "output: 2, long: [{over: 5, input: 1, output: 2}, {over: 5, input: 1, output: 2}]}", "rising order"},
		{"output: 2}", "output: 2, windows: [{at: '16:30', until: '00:30', input: 1, output: 2}]}", "windows need a time"},
		{"output: 2}", "output: 2, windows: [{at: '16:60', until: '17:30', input: 1, output: 2}]}", "is not a time"},
		{"output: 2}", "output: 2, peak: {hours: [[1, 4]], input: 1, output: 2}, tiers: [{for: [flex], percent: 50}]}", "tiers go neither"},
		{"names: [a-1]", "match: {equals: a-1}", "nor a match with an id"},
		{"names: [a-1]", "{id: a, match: {equals: a, contains: b}}", "did not find expected"},
		{"names: [a-1]", "id: a\n        match: {equals: a, contains: b}", "exactly one of"},
		{"names: [a-1]", "id: a\n        match: {regex: '('}", "missing closing"},
		{"name: acme", "name: acme\n    fallback: [nobody]", "no provider of the list"},
	} {
		text := strings.Replace(small, c.from, c.to, 1)
		if text == small {
			t.Fatalf("edit %q changes nothing", c.from)
		}
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q instead of %q: %v, want %q", c.to, c.from, err, c.want)
		}
	}
}

func TestPriceText(t *testing.T) {
	for in, want := range map[string]struct {
		nanos PerMillion
		text  string
	}{
		"2.50":        {2_500_000_000, "2.5"},
		"0":           {0, "0"},
		"150":         {150_000_000_000, "150"},
		"0.003625":    {3_625_000, "0.003625"},
		"0.000000001": {1, "0.000000001"},
	} {
		var p PerMillion
		if err := p.UnmarshalText([]byte(in)); err != nil || p != want.nanos {
			t.Errorf("%s is %d (%v), want %d", in, p, err, want.nanos)
		}
		if out, _ := p.MarshalText(); string(out) != want.text {
			t.Errorf("%s prints as %s, want %s", in, out, want.text)
		}
	}
	for _, bad := range []string{"", ".", "1.", ".5", "1,5", " 1", "+1", "NaN", "1.2.3", "1_000", "99999999999999999999"} {
		var p PerMillion
		if err := p.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is read as %d", bad, p)
		}
	}
}
