package monthclose

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/dashboards/report"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/state"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if got != string(want) {
		t.Errorf("%s differs from what is written now (-update rewrites it):\n%s", path, got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// row is what a version of the fake ledger has of one team in a month.
type row struct {
	month, team, price string
	requests, nanos    int64 // nanos below 0: not priced
}

// ledger is the usage table: the rows of each version. Versions below gone can't be read any more.
type ledger struct {
	versions [][]row
	gone     int64
}

var errGone = errors.New("version 0 is gone: the table has versions 1 to 9")

func (l *ledger) Newest(context.Context) (Version, error) {
	n := int64(len(l.versions) - 1)
	return Version{Number: n, Committed: time.Date(2026, 12, 1, 0, int(n), 0, 0, time.UTC)}, nil
}

var (
	asOf  = regexp.MustCompile(`VERSION AS OF (\d+)`)
	since = regexp.MustCompile(`request_time >= TIMESTAMP '(\S+)' AND`)
)

func (l *ledger) Query(_ context.Context, sql string) (report.Rows, error) {
	m := asOf.FindAllStringSubmatch(sql, -1)
	if len(m) != 2 || m[0][1] != m[1][1] {
		return report.Rows{}, fmt.Errorf("not one version: %s", sql)
	}
	version, _ := strconv.ParseInt(m[0][1], 10, 64)
	if version < l.gone {
		return report.Rows{}, errGone
	}
	begins, err := time.Parse(time.RFC3339, since.FindStringSubmatch(sql)[1])
	if err != nil {
		return report.Rows{}, err
	}
	month := begins.Add(48 * time.Hour).Format("2006-01") // whatever the zone
	var rows report.Rows
	p := func(s string) *string { return &s }
	cells := func(n, nanos int64, dollars *string) []*string {
		i := p(strconv.FormatInt(n, 10))
		newest := p("2026-11-30 20:00:00")
		if n == 0 {
			newest = nil
		}
		return []*string{i, p("0"), p("0"), i, i, p("0"), p(strconv.FormatInt(nanos, 10)), dollars, newest}
	}
	var total, cost int64
	for _, r := range l.versions[version] {
		if r.month != month {
			continue
		}
		line, price, nanos := "allocated", p(r.price), r.nanos
		team := p(r.team)
		switch {
		case r.nanos < 0:
			line, price, nanos = "no_price", nil, 0
		case r.team == "":
			line = "untagged"
		}
		if r.team == "" {
			team = nil
		}
		rows.Values = append(rows.Values, append([]*string{team, p(line), price}, cells(r.requests, nanos, nil)...))
		total += r.requests
		cost += nanos
	}
	rows.Values = append(rows.Values, append([]*string{nil, p("total"), nil}, cells(total, cost, p(report.USD(big.NewInt(cost))))...))
	return rows, nil
}

func october() []row { return []row{{"2026-10", "search", "v1", 1, 5_000_000}} }

func november() []row {
	return append(october(), row{"2026-11", "search", "v1", 10, 1_000_000_000}, row{"2026-11", "search", "v2", 5, 500_000_001},
		row{"2026-11", "sup\x1bport", "v2", 2, 2_000}, row{"2026-11", "", "v2", 1, 7}, row{"2026-11", "lab", "", 3, -1})
}

func books() *Books { return New(state.New(memstore.New())) }

func request(month string) Request {
	by, err := report.ParseBy("team")
	if err != nil {
		panic(err)
	}
	berlin, err := report.LoadZone("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return Request{Month: month, By: by, Location: berlin, Who: "ann@example.com", Now: time.Date(2026, 12, 1, 7, 0, 0, 0, time.UTC)}
}

func print(t *testing.T, write func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	must(t, write(&b))
	return b.String()
}

func TestCloseAMonth(t *testing.T) {
	ctx := t.Context()
	l, b := &ledger{versions: [][]row{november()}}, books()
	s, err := b.Close(ctx, l, request("2026-11"))
	must(t, err)
	for f, name := range map[report.Format]string{report.Table: "statement.txt", report.CSV: "statement.csv", report.JSON: "statement.json", report.Markdown: "statement.md"} {
		golden(t, name, print(t, func(b *bytes.Buffer) error { return s.Write(b, f) }))
	}
	stored, err := b.Get(ctx, "2026-11", 0)
	must(t, err)
	if print(t, func(b *bytes.Buffer) error { return stored.Write(b, report.JSON) }) != print(t, func(b *bytes.Buffer) error { return s.Write(b, report.JSON) }) {
		t.Error("the stored statement is not the one that was returned")
	}

	q := request("2026-11")
	if _, err := b.Close(ctx, l, q); !errors.Is(err, ErrClosed) || !strings.Contains(err.Error(), "by ann@example.com at 2026-12-01T08:00:00+01:00") {
		t.Errorf("a second close: %v", err)
	}
	q.Revise = true
	if _, err := b.Close(ctx, l, q); !errors.Is(err, ErrSame) {
		t.Errorf("a revision of nothing: %v", err)
	}
	if _, err := b.Close(ctx, l, func() Request { r := request("2026-09"); r.Revise = true; return r }()); !errors.Is(err, ErrNotClosed) {
		t.Errorf("a revision of a month that is open: %v", err)
	}
	if _, err := b.Get(ctx, "2026-09", 0); !errors.Is(err, ErrNotClosed) {
		t.Errorf("a statement that is not there: %v", err)
	}
}

func TestLateRows(t *testing.T) {
	ctx := t.Context()
	l, b := &ledger{versions: [][]row{november()}}, books()
	_, err := b.Close(ctx, l, request("2026-11"))
	must(t, err)
	check := func() *Check {
		t.Helper()
		c, err := b.Check(ctx, l, "2026-11", 0)
		must(t, err)
		return c
	}
	if c := check(); !c.Same() || !c.Reproduced {
		t.Errorf("right after closing: %+v", c)
	}

	late := append(november(), row{"2026-11", "search", "v2", 1, 3}, row{"2026-11", "new", "v2", 1, 1_000_000_000}, row{"2026-12", "search", "v2", 9, 9})
	late = append(late[:5], late[6:]...) // and lab's rows were deleted
	l.versions = append(l.versions, late)
	c := check()
	golden(t, "check.txt", print(t, func(b *bytes.Buffer) error { return c.Write(b, report.Table) }))
	golden(t, "check.json", print(t, func(b *bytes.Buffer) error { return c.Write(b, report.JSON) }))

	// The month after names them, and is not changed by them.
	q := request("2026-12")
	q.Now = q.Now.AddDate(0, 1, 0)
	december, err := b.Close(ctx, l, q)
	must(t, err)
	golden(t, "december.txt", print(t, func(b *bytes.Buffer) error { return december.Write(b, report.Table) }))

	// A revision freezes them, with the grouping of the first, whatever is asked for.
	q = request("2026-11")
	q.Revise, q.By, q.Location = true, nil, time.UTC
	revised, err := b.Close(ctx, l, q)
	must(t, err)
	golden(t, "revision.txt", print(t, func(b *bytes.Buffer) error { return revised.Write(b, report.Table) }))
	if c := check(); !c.Same() || c.Revision != 2 {
		t.Errorf("after the revision: %+v", c)
	}
	all, err := b.List(ctx)
	must(t, err)
	golden(t, "list.txt", print(t, func(b *bytes.Buffer) error { return WriteList(b, all, report.Table) }))
	first, err := b.Get(ctx, "2026-11", 1)
	must(t, err)
	if first.SHA256 != revised.Replaces.SHA256 {
		t.Error("the first statement was changed by its revision")
	}

	// Vacuum takes the version away; the numbers stay.
	l.gone = 1
	c, err = b.Check(ctx, l, "2026-11", 1)
	must(t, err)
	if c.Reproduced || !strings.Contains(c.Unproven, "can't be read") || len(c.Changes) != 3 {
		t.Errorf("after vacuum: %+v", c)
	}
	// Somebody rewrote history: the version is there, with other rows.
	l.gone, l.versions[0] = 0, october()
	c, err = b.Check(ctx, l, "2026-11", 1)
	must(t, err)
	if c.Reproduced || !strings.Contains(c.Unproven, "gives other numbers") {
		t.Errorf("after the version changed: %+v", c)
	}
}

func TestTooEarly(t *testing.T) {
	ctx := t.Context()
	l, b := &ledger{versions: [][]row{november()}}, books()
	q := request("2026-11")
	q.Missing = []string{"gateway a (host x) was last heard of on 2026-11-29"}
	if _, err := b.Close(ctx, l, q); !errors.Is(err, ErrTooEarly) || !strings.Contains(err.Error(), "gateway a") {
		t.Errorf("rows are missing: %v", err)
	}
	q.Now = time.Date(2026, 11, 30, 22, 59, 59, 0, time.UTC) // an hour later it is December in Berlin
	if _, err := b.Close(ctx, l, q); !errors.Is(err, ErrTooEarly) || !strings.Contains(err.Error(), "it ends on 2026-12-01 00:00 CET; gateway a") {
		t.Errorf("the month is not over: %v", err)
	}
	q.Force = true
	s, err := b.Close(ctx, l, q)
	must(t, err)
	if len(s.Forced) != 2 {
		t.Errorf("the statement does not say that it was forced: %q", s.Forced)
	}
}

func TestMonths(t *testing.T) {
	for _, month := range []string{"", "2026", "2026-13", "2026-11-01", "November", "2026-1", "../2026-11"} {
		if _, err := books().Close(t.Context(), &ledger{versions: [][]row{nil}}, request(month)); err == nil || errors.Is(err, ErrTooEarly) {
			t.Errorf("%q is taken for a month: %v", month, err)
		}
	}
}

// Of many who close a month at once, one does.
func TestClosersRace(t *testing.T) {
	l, b := &ledger{versions: [][]row{november()}}, books()
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		wg.Go(func() {
			_, err := b.Close(context.Background(), l, request("2026-11"))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d closed the month", won)
	}
}

// Every digit of a stored statement is under its hash; its layout is not.
func TestTampering(t *testing.T) {
	ctx := t.Context()
	docs := state.New(memstore.New())
	b := New(docs)
	_, err := b.Close(ctx, &ledger{versions: [][]row{november()}}, request("2026-11"))
	must(t, err)
	doc, v, err := docs.Get(ctx, Kind, "2026-11.1")
	must(t, err)

	var layout bytes.Buffer
	must(t, json.Compact(&layout, doc))
	v, err = docs.Replace(ctx, Kind, "2026-11.1", v, layout.Bytes())
	must(t, err)
	if _, err := b.Get(ctx, "2026-11", 0); err != nil {
		t.Errorf("another layout: %v", err)
	}
	for _, change := range [][2]string{{`"1500000001"`, `"1500000000"`}, {`"closed_by"`, `"signed_by"`}, {`"revision"`, `"more":1,"revision"`}, {"ann@", "bob@"}} {
		bad := bytes.Replace(layout.Bytes(), []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(bad, layout.Bytes()) {
			t.Fatalf("the statement has no %s", change[0])
		}
		v, err = docs.Replace(ctx, Kind, "2026-11.1", v, bad)
		must(t, err)
		if s, err := b.Get(ctx, "2026-11", 0); !errors.Is(err, ErrTampered) || s == nil {
			t.Errorf("%s became %s: %v", change[0], change[1], err)
		}
		if all, err := b.List(ctx); !errors.Is(err, ErrTampered) || len(all) != 1 {
			t.Errorf("the list: %d, %v", len(all), err)
		}
	}
}

// The hash is one that others can make: RFC 8785 is what this line of Python writes, for documents
// of text and whole numbers.
func TestHashIsOthersToo(t *testing.T) {
	doc := []byte(`{"b":[1,-2,0,true,null,"é\u2028</a>\u0001\n\"\\"],"a":{"z":"","Z":"\u007f"},"sha256":"x","ä":9007199254740991}`)
	ours, err := Hash(doc)
	must(t, err)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to compare with")
	}
	cmd := exec.Command(python, "-c", `import sys,json,hashlib
d=json.load(sys.stdin); d.pop("sha256")
print(hashlib.sha256(json.dumps(d,sort_keys=True,separators=(",",":"),ensure_ascii=False).encode()).hexdigest())`)
	cmd.Stdin = bytes.NewReader(doc)
	out, err := cmd.Output()
	must(t, err)
	if theirs := strings.TrimSpace(string(out)); theirs != ours {
		t.Errorf("ours is %s, Python's %s", ours, theirs)
	}
	for _, bad := range []string{`[]`, `{"a":1.5}`, `{"a":9007199254740992}`, `{"a":1e3}`, `{} {}`, ``} {
		if _, err := Hash([]byte(bad)); err == nil {
			t.Errorf("%s has a hash", bad)
		}
	}
}
