package report

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// build queries every window and adds the results up.
func build(o Options, run func(window) (Rows, error)) (*Report, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	b := builder{by: o.By, lines: map[string]*Line{}, versions: map[string]*Sums{}, dollars: new(big.Int)}
	b.total.add(Sums{})
	for _, w := range windows(o) {
		rows, err := run(w)
		if err != nil {
			return nil, fmt.Errorf("chargeback: %w", err)
		}
		if err := b.addRows(rows); err != nil {
			return nil, fmt.Errorf("chargeback: the query's result: %w", err)
		}
	}
	return b.report(o)
}

// builder collects results.
type builder struct {
	by       []Dimension
	lines    map[string]*Line // by group and class
	versions map[string]*Sums // by price version
	total    Sums
	dollars  *big.Int // the ledger's sum of the column cost, in nano-dollars
	newest   *time.Time
}

func (b *builder) addRows(rows Rows) error {
	if rows.Truncated {
		return fmt.Errorf("a row limit cut it off after %d rows; group by fewer things or report on a shorter period", len(rows.Values))
	}
	want := len(b.by) + 2 + len(measures) + 2
	totals := 0
	for _, r := range rows.Values {
		if len(r) != want {
			return fmt.Errorf("%d columns, expected %d", len(r), want)
		}
		sums, dollars, newest, err := numbers(r[len(b.by)+2:])
		if err != nil {
			return err
		}
		if newest != nil && (b.newest == nil || newest.After(*b.newest)) {
			b.newest = newest
		}
		line := r[len(b.by)]
		if line != nil && *line == totalLine {
			totals++
			b.total.add(sums)
			b.dollars.Add(b.dollars, dollars)
			continue
		}
		if err := b.addGroup(r, sums); err != nil {
			return err
		}
	}
	if totals != 1 {
		return fmt.Errorf("%d rows of totals, expected 1", totals)
	}
	return nil
}

// addGroup adds one group's row to its line; one line has a row per price version.
func (b *builder) addGroup(r []*string, sums Sums) error {
	line, version := r[len(b.by)], r[len(b.by)+1]
	l := Line{Group: r[:len(b.by)]}
	switch {
	case line == nil:
		return fmt.Errorf("a row without line")
	case *line == string(Allocated), *line == string(Untagged):
		l.Class = Class(*line)
	case *line == string(NoPrice), *line == string(NoUsage), *line == string(NoCharge):
		l.Class, l.Reason = Unpriced, Reason(*line)
	default:
		return fmt.Errorf("a row of unknown line %q", *line)
	}
	if version != nil && l.Class != Unpriced {
		if b.versions[*version] == nil {
			b.versions[*version] = &Sums{}
		}
		b.versions[*version].add(sums)
	}
	key := groupKey(l)
	if b.lines[key] == nil {
		b.lines[key] = &l
	}
	b.lines[key].add(sums)
	return nil
}

func groupKey(l Line) string {
	var s strings.Builder
	s.WriteString(string(l.Class) + "/" + string(l.Reason))
	for _, v := range l.Group {
		if v == nil {
			s.WriteString(" -")
		} else {
			fmt.Fprintf(&s, " %d:%s", len(*v), *v)
		}
	}
	return s.String()
}

// numbers reads the measures, cost_dollars and newest of a row.
func numbers(cells []*string) (sums Sums, dollars *big.Int, newest *time.Time, err error) {
	for i, dst := range []*int64{&sums.Requests, &sums.Failed, &sums.Generated, &sums.Input, &sums.Output, &sums.Cached} {
		if cells[i] == nil {
			return sums, nil, nil, fmt.Errorf("%s is NULL", measures[i].name)
		}
		if *dst, err = strconv.ParseInt(*cells[i], 10, 64); err != nil {
			return sums, nil, nil, fmt.Errorf("%s is %q, not a number", measures[i].name, *cells[i])
		}
	}
	rest := cells[len(measures)-1:]
	if rest[0] == nil {
		return sums, nil, nil, fmt.Errorf("cost_nanos is NULL")
	}
	var ok bool
	if sums.Cost, ok = new(big.Int).SetString(*rest[0], 10); !ok {
		return sums, nil, nil, fmt.Errorf("cost_nanos is %q, not a whole number", *rest[0])
	}
	dollars = new(big.Int)
	if rest[1] != nil {
		if dollars, err = parseDollars(*rest[1]); err != nil {
			return sums, nil, nil, err
		}
	}
	if rest[2] != nil {
		t, err := parseTime(*rest[2])
		if err != nil {
			return sums, nil, nil, err
		}
		newest = &t
	}
	return sums, dollars, newest, nil
}

// parseTime reads a timestamp as engines print it; one without a zone is UTC.
func parseTime(s string) (time.Time, error) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("newest is %q, not a timestamp", s)
}

// report orders the lines and proves that they add up.
func (b *builder) report(o Options) (*Report, error) {
	r := &Report{Options: o, ByClass: map[Class]Sums{}, Total: b.total, PriceVersions: slices.Sorted(maps.Keys(b.versions)), Newest: b.newest}
	for _, v := range r.PriceVersions {
		r.Prices = append(r.Prices, PriceUse{v, *b.versions[v]})
	}
	var all Sums
	for _, c := range []Class{Allocated, Untagged, Unpriced} {
		var part Sums
		part.add(Sums{})
		for _, l := range b.lines {
			if l.Class == c {
				r.Lines = append(r.Lines, *l)
				part.add(l.Sums)
			}
		}
		r.ByClass[c] = part
		all.add(part)
	}
	slices.SortFunc(r.Lines, func(x, y Line) int { return compare(x, y, byTime(o.By)) })
	switch {
	case !all.equal(b.total):
		return nil, fmt.Errorf("chargeback: %w: lines %s, ledger %s", ErrUnbalanced, all, b.total)
	case b.dollars.Cmp(b.total.Cost) != 0:
		return nil, fmt.Errorf("chargeback: %w: cost_nanos sums to $%s, cost to $%s", ErrUnbalanced, dollars(b.total.Cost, 9), dollars(b.dollars, 9))
	case r.ByClass[Unpriced].Cost.Sign() != 0:
		return nil, fmt.Errorf("chargeback: %w: calls without a cost cost $%s", ErrUnbalanced, dollars(r.ByClass[Unpriced].Cost, 9))
	}
	return r, nil
}

// String is for errors.
func (s Sums) String() string {
	return fmt.Sprintf("(%d requests, %d failed, %d generated, %d/%d/%d tokens, $%s)", s.Requests, s.Failed, s.Generated, s.Input, s.Output, s.Cached, dollars(s.Cost, 9))
}

var rank = map[string]int{
	string(Allocated): 0, string(Untagged): 1,
	string(Unpriced) + string(NoPrice): 2, string(Unpriced) + string(NoUsage): 3, string(Unpriced) + string(NoCharge): 4,
}

// compare orders lines: by class and reason; then by group when time is one of the dimensions,
// else by cost, the largest first. Missing values come last.
func compare(x, y Line, chronological bool) int {
	if d := rank[string(x.Class)+string(x.Reason)] - rank[string(y.Class)+string(y.Reason)]; d != 0 {
		return d
	}
	if !chronological {
		if d := y.Cost.Cmp(x.Cost); d != 0 {
			return d
		}
		if x.Requests != y.Requests {
			return int(min(1, max(-1, y.Requests-x.Requests)))
		}
	}
	return slices.CompareFunc(x.Group, y.Group, func(a, b *string) int {
		switch {
		case a == nil && b == nil:
			return 0
		case a == nil:
			return 1
		case b == nil:
			return -1
		}
		return strings.Compare(*a, *b)
	})
}
