package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what is written now (-update rewrites it):\n%s", path, got)
	}
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	loc, err := LoadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func options(t *testing.T, by, from, to string, loc *time.Location) Options {
	t.Helper()
	made := time.Date(2026, 11, 20, 11, 0, 5, 0, time.UTC)
	dims, err := ParseBy(by)
	if err != nil {
		t.Fatal(err)
	}
	start, end, err := ParsePeriod(from, to, loc, made)
	if err != nil {
		t.Fatal(err)
	}
	return Options{By: dims, From: start, To: end, Location: loc, Made: made}
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// calls are a small ledger with a row for every kind of line.
func calls() []call {
	team := func(s string) map[string]string { return map[string]string{"team": s} }
	ok := call{time: at("2026-11-05T10:00:00Z"), endpoint: "chat", model: "gpt-4o", requester: "ann", outcome: "ok", status: 200, version: "2026-11-20.1f0c3a9d"}
	with := func(c call, change func(*call)) call { change(&c); return c }
	return []call{
		with(ok, func(c *call) {
			c.usageContext, c.input, c.output, c.cached, c.cost = team("search"), n(1_000_000), n(200_000), n(1000), n(4_498_750_000)
		}),
		with(ok, func(c *call) { c.keyTags, c.input, c.output, c.cost = team("search"), n(1), n(1), n(12_500) }),
		with(ok, func(c *call) {
			c.usageContext, c.keyTags, c.input, c.output, c.cost = team("support"), team("search"), n(500), n(100), n(2_250_000)
		}),
		with(ok, func(c *call) {
			c.usageContext, c.model, c.version, c.input, c.output, c.cost = team("support"), "o3", "2026-10-01.aaaaaaaa", n(10), n(10), n(100_000)
		}),
		with(ok, func(c *call) {
			c.usageContext, c.input, c.output, c.cost, c.generated = team(""), n(400), n(50), n(1_500_000), true
		}),
		with(ok, func(c *call) {
			c.time, c.model, c.input, c.output, c.cost = at("2026-11-20T09:14:03Z"), "o3", n(7), n(7), n(1)
		}),
		with(ok, func(c *call) {
			c.usageContext, c.model, c.version, c.input, c.output = team("search"), "house-llama", "", n(9000), n(900)
		}),
		with(ok, func(c *call) { c.outcome, c.status, c.version = "client_gone", 200, "" }),
		with(ok, func(c *call) {
			c.usageContext, c.outcome, c.status, c.version, c.model = team("=cmd|'x'!A1"), "upstream_error", 500, "", "a|b*c"
		}),
		with(ok, func(c *call) { c.outcome, c.status, c.version, c.model, c.requester = "refused", 401, "", "", "" }),
		with(ok, func(c *call) { c.time, c.cost = at("2026-10-31T22:59:59Z"), n(999) }), // October in Berlin
		with(ok, func(c *call) { c.time, c.cost = at("2026-11-30T23:00:00Z"), n(999) }), // December in Berlin
	}
}

func chargeback(t *testing.T, o Options, calls []call) *Report {
	t.Helper()
	r, err := build(o, func(w window) (Rows, error) { return evaluate(o.By, w, calls), nil })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFormats(t *testing.T) {
	full := chargeback(t, options(t, "team,model", "2026-11-01", "2026-12-01", berlin(t)), calls())
	days := chargeback(t, options(t, "day,requester", "2026-11", "", berlin(t)), calls())
	empty := chargeback(t, options(t, "team", "2025-01", "", time.UTC), calls())
	plain := chargeback(t, options(t, "", "2026-11", "", time.UTC), calls())
	for name, r := range map[string]*Report{"team_model": full, "day_requester": days, "empty": empty, "plain": plain} {
		for _, f := range []Format{Table, CSV, JSON, Markdown} {
			var b bytes.Buffer
			if err := r.Write(&b, f); err != nil {
				t.Fatal(err)
			}
			golden(t, name+"."+map[Format]string{Table: "txt", CSV: "csv", JSON: "json", Markdown: "md"}[f], b.String())
		}
	}
}

// What programs read is what the report says, and nothing else is needed to check the equation.
func TestMachineFormatsAddUp(t *testing.T) {
	r := chargeback(t, options(t, "team,model", "2026-11", "", berlin(t)), calls())
	rows, err := csv.NewReader(strings.NewReader(r.csv())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	col := map[string]int{}
	for i, name := range rows[0] {
		col[name] = i
	}
	sums := map[string]*big.Int{}
	for _, row := range rows[1:] {
		nanos, ok := new(big.Int).SetString(row[col["cost_nanos"]], 10)
		if !ok {
			t.Fatalf("cost_nanos %q", row[col["cost_nanos"]])
		}
		kind := row[col["row"]]
		if sums[kind] == nil {
			sums[kind] = new(big.Int)
		}
		sums[kind].Add(sums[kind], nanos)
	}
	if sums["line"].Cmp(sums["total"]) != 0 || sums["sum"].Cmp(sums["total"]) != 0 || sums["total"].Cmp(r.Total.Cost) != 0 {
		t.Errorf("lines %s, sums %s, total %s, report %s", sums["line"], sums["sum"], sums["total"], r.Total.Cost)
	}
	var doc jsonReport
	if err := json.Unmarshal([]byte(r.json()), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Sums["total"].CostNanos != r.Total.Cost.String() || len(doc.Lines) != len(r.Lines) {
		t.Errorf("JSON has %d lines and a total of %s", len(doc.Lines), doc.Sums["total"].CostNanos)
	}
}

// Random ledgers, random dimensions, random periods: the lines add up to the ledger, each row is
// where it belongs, and nothing of another day or tag gets in.
func TestRandomLedgers(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"}
	lists := []string{"", "team", "team,model", "project,team,day", "month", "endpoint,requester", "day", "tag:model,model", "month,day,team"}
	for round := range 300 {
		loc, err := LoadZone(zones[rng.IntN(len(zones))])
		if err != nil {
			t.Fatal(err)
		}
		first := time.Date(2026, time.Month(1+rng.IntN(12)), 1+rng.IntN(28), 0, 0, 0, 0, time.UTC)
		last := first.AddDate(0, 0, 1+rng.IntN(500))
		o := options(t, lists[rng.IntN(len(lists))], first.Format(time.DateOnly), last.Format(time.DateOnly), loc)
		ledger := randomCalls(rng, rng.IntN(400), o.From.Add(-72*time.Hour), o.To.Add(72*time.Hour))
		r := chargeback(t, o, ledger)
		if err := verify(r, ledger); err != nil {
			t.Fatalf("round %d, by %v, %s to %s in %s: %v", round, o.By, o.From, o.To, loc, err)
		}
	}
}

func randomCalls(rng *rand.Rand, count int, from, to time.Time) []call {
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	tags := func() map[string]string {
		m := map[string]string{}
		for _, k := range []string{"team", "project", "model"} {
			if rng.IntN(2) == 0 {
				m[k] = pick("", "a", "b", "c'd", "total", "allocated")
			}
		}
		return m
	}
	maybe := func(max int64) *int64 {
		if rng.IntN(4) == 0 {
			return nil
		}
		return n(rng.Int64N(max))
	}
	all := make([]call, count)
	for i := range all {
		all[i] = call{
			time:     from.Add(time.Duration(rng.Int64N(int64(to.Sub(from))))),
			endpoint: pick("chat", "embed"), model: pick("", "gpt-4o", "o3"), requester: pick("", "ann", "bob"),
			usageContext: tags(), keyTags: tags(), outcome: pick("ok", "ok", "refused", "upstream_error", "client_gone", "crashed"),
			task: pick("llm/v1/chat", "llm/v1/embeddings"), status: []int{0, 200, 401, 500}[rng.IntN(4)],
			input: maybe(1e6), output: maybe(1e6), cached: maybe(1e3), cost: maybe(1e15), generated: rng.IntN(3) == 0,
		}
		if all[i].cost != nil {
			all[i].version = pick("v1", "v2")
		}
	}
	return all
}

// verify counts again, row by row and without groups.
func verify(r *Report, ledger []call) error {
	byClass := map[Class]Sums{}
	lines := map[string]Sums{}
	for _, c := range ledger {
		if c.time.Before(r.From) || !c.time.Before(r.To) {
			continue
		}
		l := Line{Class: Allocated}
		for _, d := range r.By {
			v := c.value(d, window{loc: r.Location})
			if l.Group = append(l.Group, v); v == nil && d.tag != "" {
				l.Class = Untagged
			}
		}
		if c.cost == nil {
			l.Class, l.Reason = Unpriced, Reason(c.line(true))
		}
		s, of := byClass[l.Class], lines[groupKey(l)]
		s.add(c.sums())
		of.add(c.sums())
		byClass[l.Class], lines[groupKey(l)] = s, of
	}
	var sum Sums
	sum.add(Sums{})
	for c, want := range byClass {
		if !r.ByClass[c].equal(want) {
			return fmt.Errorf("%s is %s, want %s", c, r.ByClass[c], want)
		}
		sum.add(want)
	}
	if !r.Total.equal(sum) {
		return fmt.Errorf("the total is %s, want %s", r.Total, sum)
	}
	if len(r.Lines) != len(lines) {
		return fmt.Errorf("%d lines, want %d", len(r.Lines), len(lines))
	}
	for _, l := range r.Lines {
		if want, ok := lines[groupKey(l)]; !ok || !l.Sums.equal(want) {
			return fmt.Errorf("line %q is %s, want %s", groupKey(l), l.Sums, want)
		}
	}
	return nil
}

// A result that is not the whole truth never becomes a report.
func TestBadResults(t *testing.T) {
	o := options(t, "team,model", "2026-11", "", berlin(t))
	for _, c := range []struct {
		name   string
		change func(*Rows)
		want   string
	}{
		{"cut off", func(r *Rows) { r.Truncated = true }, "a row limit cut it off"},
		{"a lost group", func(r *Rows) { r.Values = r.Values[1:] }, ErrUnbalanced.Error()},
		{"a group twice", func(r *Rows) { r.Values = append(r.Values[:1:1], r.Values...) }, ErrUnbalanced.Error()},
		{"one nano-dollar", func(r *Rows) { *r.Values[0][10] += "1" }, ErrUnbalanced.Error()},
		{"one request", func(r *Rows) { r.Values[0][4] = ptr("9") }, ErrUnbalanced.Error()},
		{"cost differs from cost_nanos", func(r *Rows) { r.Values[len(r.Values)-1][11] = ptr("1.000000000") }, "cost_nanos sums to"},
		{"no total", func(r *Rows) { r.Values = r.Values[:len(r.Values)-1] }, "0 rows of totals"},
		{"two totals", func(r *Rows) { r.Values = append(r.Values, r.Values[len(r.Values)-1]) }, "2 rows of totals"},
		{"unknown line", func(r *Rows) { r.Values[0][2] = ptr("other") }, `unknown line "other"`},
		{"no line", func(r *Rows) { r.Values[0][2] = nil }, "without line"},
		{"columns", func(r *Rows) { r.Values[0] = r.Values[0][1:] }, "12 columns, expected 13"},
		{"NULL", func(r *Rows) { r.Values[0][4] = nil }, "requests is NULL"},
		{"NULL money", func(r *Rows) { r.Values[0][10] = nil }, "cost_nanos is NULL"},
		{"a float", func(r *Rows) { r.Values[0][10] = ptr("1.5e9") }, "not a whole number"},
		{"not a number", func(r *Rows) { r.Values[0][5] = ptr("x") }, "failed is"},
		{"not an amount", func(r *Rows) { r.Values[len(r.Values)-1][11] = ptr("many") }, "not a number of dollars"},
		{"half a nano-dollar", func(r *Rows) { r.Values[len(r.Values)-1][11] = ptr("1.0000000005") }, "parts of a nano-dollar"},
		{"not a time", func(r *Rows) { r.Values[0][12] = ptr("yesterday") }, "not a timestamp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := build(o, func(w window) (Rows, error) {
				rows := evaluate(o.By, w, calls())
				c.change(&rows)
				return rows, nil
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

type runner func(sql string) (Rows, error)

func (r runner) Query(_ context.Context, sql string) (Rows, error) { return r(sql) }

func TestRunnerFails(t *testing.T) {
	down := errors.New("the warehouse is closed")
	_, err := Chargeback(t.Context(), runner(func(string) (Rows, error) { return Rows{}, down }), options(t, "team", "2026-11", "", time.UTC))
	if !errors.Is(err, down) {
		t.Errorf("error %v", err)
	}
}

func TestChargebackAsksOneQuery(t *testing.T) {
	o := options(t, "team,day", "2026-01-01", "2027-01-01", berlin(t))
	asked := 0
	_, err := Chargeback(t.Context(), runner(func(sql string) (Rows, error) {
		asked++
		if len(sql) > 64<<10 {
			t.Errorf("the query has %d bytes", len(sql))
		}
		return evaluate(o.By, windows(o)[0], calls()), nil
	}), o)
	if err != nil || asked != 1 {
		t.Errorf("%d queries, %v", asked, err)
	}
}

func TestBadOptions(t *testing.T) {
	good := options(t, "team", "2026-11", "", time.UTC)
	for want, change := range map[string]func(*Options){
		"no time zone":         func(o *Options) { o.Location = nil },
		"the period is empty":  func(o *Options) { o.To = o.From },
		"longer than 20 years": func(o *Options) { o.From = o.To.AddDate(-21, 0, 0) },
	} {
		o := good
		change(&o)
		_, err := Chargeback(t.Context(), runner(func(string) (Rows, error) { return Rows{}, errors.New("asked") }), o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := (&Report{}).Write(&bytes.Buffer{}, "xls"); err == nil {
		t.Error("a report was written as xls")
	}
}
