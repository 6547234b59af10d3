package worker_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/sql/warehouse"
)

// TestPruning runs testdata/pruning.txt: which rows of each table a statement asks for.
func TestPruning(t *testing.T) {
	const file = "testdata/pruning.txt"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	l := newLake(t)
	w := start(t, l, nil)
	params := []warehouse.Param{param("from", "DATE", "2026-11-01"), param("to", "DATE", "2026-11-20"), param("since", "TIMESTAMP", "2026-11-01T10:00:00Z")}
	var out []string
	for block := range strings.SplitSeq(string(b), "\n\n") {
		var statement, got []string
		for line := range strings.SplitSeq(strings.TrimRight(block, "\n"), "\n") {
			if !strings.HasPrefix(line, "=> ") {
				statement = append(statement, line)
			}
		}
		if strings.HasPrefix(block, "#") {
			out = append(out, block)
			continue
		}
		l.requests = nil
		if _, err := ask(w, strings.Join(statement, "\n"), params...); err != nil {
			got = append(got, "=> ! "+err.Error())
		}
		for _, r := range l.requests {
			var terms []string
			for _, p := range r.Filter {
				terms = append(terms, p.String())
			}
			got = append(got, strings.TrimRight("=> "+r.Name+": "+strings.Join(terms, " and "), " "))
		}
		slices.Sort(got) // the order of the requests means nothing
		result := strings.Join(append(statement, got...), "\n")
		if strings.TrimRight(block, "\n") != result && !*update {
			t.Errorf("want\n%s\ngot\n%s", block, result)
		}
		out = append(out, result)
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.TrimRight(strings.Join(out, "\n\n"), "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func param(name, kind, value string) warehouse.Param {
	return warehouse.Param{Name: name, Type: kind, Value: &value}
}

var pruneSeed = flag.Uint64("prune-seed", 0, "seed of TestPruningChangesNoAnswer; 0 for a new one")

// TestPruningChangesNoAnswer asks random statements with and without pruning, and with and without a
// filter that could be moved to where files are read.
func TestPruningChangesNoAnswer(t *testing.T) {
	seed := *pruneSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	g := &pruneGen{Rand: rand.New(rand.NewPCG(seed, 1))}
	l := newLake(t)
	table := l.define(t, "main.p.t", "d", "id BIGINT\nd DATE\nts TIMESTAMP\ns STRING\nn INT\namt DECIMAL(18,9)\nb BOOLEAN\nx DOUBLE\ntags MAP<STRING,STRING>")
	l.stats = map[string]string{}
	for i := range 60 {
		date, rows, stats := g.file(i)
		where := "lake"
		if i%5 == 4 {
			where = "hot"
		}
		l.write(t, table, where, date, rows)
		files := l.files["main.p.t"]
		l.stats[files[len(files)-1].Path] = stats
	}
	w := start(t, l, nil)
	const statements = 120
	failed := 0
	for range statements {
		q := g.statement()
		answers := [2]string{}
		for i, keepAll := range []bool{true, false} {
			l.keepAll = keepAll
			asked := q
			if keepAll { // and no filter next to a table
				asked = strings.ReplaceAll(q, "main.p.t", "(SELECT * FROM main.p.t)")
			}
			r, err := ask(w, asked)
			if err != nil {
				answers[i] = "failed"
				failed++
			} else {
				answers[i] = text(r)
			}
		}
		if answers[0] != answers[1] {
			t.Fatalf("seed %d: %s\nall files: %.500s\npruned: %.500s", seed, q, answers[0], answers[1])
		}
	}
	if failed > statements/5 {
		t.Errorf("seed %d: %d of %d statements failed", seed, failed/2, statements)
	}
	if s := w.Stats(); s.Pruned < statements {
		t.Errorf("seed %d: %d files read, only %d left out", seed, s.Files, s.Pruned)
	}
}

// pruneGen makes files and statements.
type pruneGen struct{ *rand.Rand }

var pruneDay = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func (g *pruneGen) pick(from ...string) string { return from[g.IntN(len(from))] }

// file makes rows of one day and their statistics, a third of them without.
func (g *pruneGen) file(i int) (date, rows, stats string) {
	day := pruneDay.AddDate(0, 0, i%20)
	var lines []string
	base, hour := g.IntN(50), g.IntN(20)
	var minTS, maxTS time.Time
	minN, maxN, minS, maxS := 1<<30, -1, "~", ""
	minA, maxA := 1e9, -1.0
	for k := range 8 {
		ts := day.Add(time.Duration(hour)*time.Hour + time.Duration(g.IntN(7_200_000_000))*time.Microsecond)
		n, s, a := base+g.IntN(5), fmt.Sprintf("%c%d", 'a'+rune(base%7), g.IntN(3)), float64(base)+0.5
		if k == 0 || ts.Before(minTS) {
			minTS = ts
		}
		if k == 0 || ts.After(maxTS) {
			maxTS = ts
		}
		minN, maxN, minS, maxS, minA, maxA = min(minN, n), max(maxN, n), min(minS, s), max(maxS, s), min(minA, a), max(maxA, a)
		lines = append(lines, fmt.Sprintf(`{"id":%d,"ts":%q,"s":%q,"n":%d,"amt":"%.9f","b":%t,"x":%d.25,"tags":[{"key":"team","value":"t%d"}]}`,
			i*100+k, ts.Format("2006-01-02T15:04:05.999999Z"), s, n, a, base%2 == 0, n, n%3))
	}
	nulls := 0
	if i%4 == 0 {
		nulls = 1
		lines = append(lines, fmt.Sprintf(`{"id":%d}`, i*100+99))
	}
	ms := func(t time.Time) string { return t.Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z") }
	stats = fmt.Sprintf(`{"numRecords":%d,"minValues":{"ts":%q,"s":%q,"n":%d,"amt":%.9f,"id":%d},"maxValues":{"ts":%q,"s":%q,"n":%d,"amt":%.9f,"id":%d},"nullCount":{"ts":%d,"s":%d,"n":%d,"amt":%d,"b":%d,"id":0}}`,
		len(lines), ms(minTS), minS, minN, minA, i*100, ms(maxTS), maxS, maxN, maxA, i*100+99, nulls, nulls, nulls, nulls, nulls)
	if i%3 == 2 {
		stats = ""
	}
	return day.Format(time.DateOnly), "[" + strings.Join(lines, ",") + "]", stats
}

func (g *pruneGen) op() string { return g.pick("=", "<", "<=", ">", ">=", "<>") }

func (g *pruneGen) date() string {
	return pruneDay.AddDate(0, 0, g.IntN(24)-2).Format(time.DateOnly)
}

func (g *pruneGen) time() string {
	t := pruneDay.Add(time.Duration(g.Int64N(22*24*3600*1_000_000)) * time.Microsecond)
	return g.pick(t.Format("2006-01-02 15:04:05.000000"), t.Format("2006-01-02 15:04:05"), t.Format(time.DateOnly))
}

func (g *pruneGen) predicate(t string) string {
	switch g.IntN(22) {
	case 19, 20:
		return fmt.Sprintf(g.pick("%s.ts %s TIMESTAMP'%s'", "ts %[2]s TIMESTAMP'%[3]s'", "TIMESTAMP'%[3]s' %[2]s %[1]s.ts"), t, g.op(), g.time())
	case 0:
		return fmt.Sprintf("%s.d %s '%s'", t, g.op(), g.date())
	case 1:
		return fmt.Sprintf("%s.d BETWEEN DATE'%s' AND DATE'%s' + INTERVAL %d DAYS", t, g.date(), g.date(), g.IntN(5))
	case 2:
		return fmt.Sprintf("CAST(%s.ts AS DATE) %s '%s'", t, g.op(), g.time())
	case 3:
		return fmt.Sprintf("CAST(%s.ts AS DATE) BETWEEN '%s' AND '%s'", t, g.date(), g.date())
	case 4:
		return fmt.Sprintf("%s.ts %s '%s'", t, g.op(), g.time())
	case 5:
		return fmt.Sprintf("date_trunc('%s', %s.%s) %s '%s'", g.pick("day", "hour", "week", "month"), t, g.pick("ts", "d"), g.op(), g.time())
	case 6:
		return fmt.Sprintf("%s.n %s %d", t, g.op(), g.IntN(60))
	case 7:
		return fmt.Sprintf("%s.n IN (%d, %d, %d)", t, g.IntN(60), g.IntN(60), g.IntN(60))
	case 8:
		return fmt.Sprintf("%s.s %s '%c%d'", t, g.op(), 'a'+rune(g.IntN(8)), g.IntN(3))
	case 9:
		return fmt.Sprintf("%s.s LIKE '%c%%'", t, 'a'+rune(g.IntN(8)))
	case 10:
		return fmt.Sprintf("%s.s %s", t, g.pick("IS NULL", "IS NOT NULL", "IN ('a1', 'b2')", "= 'it''s'"))
	case 11:
		return fmt.Sprintf("%s.amt %s %d.%d", t, g.op(), g.IntN(50), g.IntN(10))
	case 12:
		return fmt.Sprintf("%s%s.b", g.pick("", "NOT "), t)
	case 13:
		return fmt.Sprintf("(%s OR %s)", g.predicate(t), g.predicate(t))
	case 14:
		return fmt.Sprintf("NOT (%s)", g.predicate(t))
	case 15:
		return fmt.Sprintf("%s.x %s %d.25", t, g.op(), g.IntN(60))
	case 16:
		return fmt.Sprintf("%s.d %s TIMESTAMP'%s'", t, g.op(), g.time())
	case 17:
		return fmt.Sprintf("%s.tags['team'] = 't%d'", t, g.IntN(4))
	case 18:
		return fmt.Sprintf("%s.id %s %d", t, g.op(), g.IntN(6000))
	default:
		return fmt.Sprintf("to_date(%s.ts) >= date_sub('%s', %d)", t, g.date(), g.IntN(3))
	}
}

func (g *pruneGen) where(tables ...string) string {
	var terms []string
	for range 1 + g.IntN(3) {
		terms = append(terms, g.predicate(tables[g.IntN(len(tables))]))
	}
	return strings.Join(terms, " AND ")
}

func (g *pruneGen) statement() string {
	switch g.IntN(13) {
	case 11:
		return "SELECT count(*), sum(id) FROM main.p.t t WHERE ts BETWEEN '" + g.time() + "' AND TIMESTAMP'" + g.time() + "' AND " + g.where("t")
	case 0:
		return "SELECT count(*), sum(id), max(ts) FROM main.p.t a WHERE " + g.where("a")
	case 1:
		return "SELECT a.d, count(*) c FROM main.p.t a WHERE " + g.where("a") + " GROUP BY a.d HAVING " + g.pick("c > 1", "a.d > '2026-11-05'") + " ORDER BY 1"
	case 2:
		return "SELECT count(*), sum(b.id) FROM main.p.t a " + g.pick("JOIN", "LEFT JOIN", "FULL JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN") +
			" main.p.t b ON a.id = b.id AND " + g.where("a", "b") + " WHERE " + g.where("a")
	case 3:
		return "WITH c AS (SELECT * FROM main.p.t q WHERE " + g.where("q") + ") SELECT count(*), sum(c.id) FROM c JOIN c e ON c.id = e.id WHERE " + g.where("c")
	case 4:
		return "SELECT count(*), sum(id) FROM (SELECT * FROM main.p.t q WHERE " + g.where("q") + " UNION ALL SELECT * FROM main.p.t r WHERE " + g.where("r") + ") u WHERE " + g.where("u")
	case 5:
		return "SELECT id FROM main.p.t a WHERE " + g.where("a") + " ORDER BY ts DESC, id LIMIT " + g.pick("3", "10 OFFSET 2")
	case 6:
		return "SELECT a.id, row_number() OVER (PARTITION BY a." + g.pick("d", "s", "n") + " ORDER BY a.id) AS r FROM main.p.t a QUALIFY r < 3 AND " + g.where("a") + " ORDER BY ALL"
	case 7:
		return "SELECT count(*) FROM main.p.t a WHERE " + g.where("a") + " AND a.n " + g.pick("IN", "NOT IN") + " (SELECT q.n FROM main.p.t q WHERE q.n IS NOT NULL AND " + g.where("q") + ")"
	case 8:
		return "SELECT count(*), sum(q.id) FROM (SELECT d AS s, s AS d2, ts AS n, n AS ts, id, d, b, x, amt, tags FROM main.p.t) z JOIN main.p.t q ON z.id = q.id WHERE z.s > '2026-11-08' AND z.ts < 30 AND " + g.where("q")
	case 9:
		return "SELECT count(*), sum(id) FROM main.p.t a WHERE a.d > (SELECT max(q.d) - INTERVAL 4 DAYS FROM main.p.t q WHERE " + g.where("q") + ")"
	case 10:
		return "SELECT count(*), (SELECT count(*) FROM main.p.t q WHERE q.d = a.d AND " + g.where("q") + ") FROM main.p.t a WHERE " + g.where("a") + " GROUP BY a.d ORDER BY ALL"
	default:
		return "SELECT sum(CASE WHEN " + g.where("a") + " THEN 1 ELSE 0 END), count(*) FILTER (WHERE " + g.where("a") + ") FROM main.p.t a WHERE " + g.where("a")
	}
}
