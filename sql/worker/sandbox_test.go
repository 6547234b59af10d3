package worker_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// The limit of a bomb, and what may pass until the caller has its error.
const (
	bombLimit = time.Second
	bombEnd   = bombLimit + 10*time.Second // the kill is at 2 s; the rest is for a busy machine
)

// try runs a query of alice; one that may have to be stopped gets less time.
func try(w *warehouse.Warehouse, sql string, mayTimeOut bool) (*warehouse.Result, error) {
	q := warehouse.Query{SQL: sql, Allow: notOther}
	if mayTimeOut {
		q.Timeout = bombLimit
	}
	return w.Query(context.Background(), q)
}

// TestSandbox tries every way out in testdata/escapes.txt through real workers, while a plain
// query runs again and again beside it and must never fail.
func TestSandbox(t *testing.T) {
	t.Setenv("LAKEGATE_PROVIDER_KEY", "TOPSECRET")
	l := newLake(t)
	secret := l.files["other.logs.payload"][0].Path
	w := start(t, l, func(c *warehouse.Config) { c.Workers = 3 })
	before := listFiles(t, l.dir)

	stop, counted := counterQuery(t, w)
	attempts := 0
	for _, a := range readAttempts(t, strings.NewReplacer("LAKE", l.dir+"/lake", "SECRET", secret)) {
		attempts++
		began := time.Now()
		r, err := try(w, a.sql, a.classes["timeout"])
		took := time.Since(began)
		if took > bombEnd {
			t.Errorf("%s\n took %v", a.sql, took)
		}
		if err == nil {
			t.Errorf("%s\n went through: %.200q", a.sql, text(r))
			continue
		}
		var public *apierr.Error
		if !errors.As(err, &public) {
			t.Fatalf("%s\n not an *apierr.Error: %v", a.sql, err)
		}
		if class := string(warehouse.ClassOf(err)); !a.classes[class] {
			t.Errorf("%s\n ended with %s, want one of %v: %s", a.sql, class, keys(a.classes), public.Message)
		}
		if strings.Contains(err.Error(), "TOPSECRET") || strings.Contains(strings.ReplaceAll(err.Error(), a.sql, ""), "lg_files") {
			t.Errorf("%s\n its error tells too much: %v", a.sql, err)
		}
	}
	close(stop)
	if n := <-counted; n < 10 {
		t.Errorf("the plain query ran only %d times", n)
	}
	if attempts < 100 {
		t.Errorf("only %d attempts", attempts)
	}
	if after := listFiles(t, l.dir); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("files before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if n := l.held.Load(); n != 0 {
		t.Errorf("%d snapshots were never released", n)
	}
	t.Logf("%d attempts, %+v", attempts, w.Stats())
}

// counterQuery runs a plain query until stop is closed, then tells how often it succeeded.
func counterQuery(t *testing.T, w *warehouse.Warehouse) (stop chan struct{}, counted chan int) {
	stop, counted = make(chan struct{}), make(chan int, 1)
	go func() {
		n := 0
		defer func() { counted <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			r, err := ask(w, "SELECT count(*), nvl(NULL, 'fine'), size(array(1, 2)) FROM system.serving.endpoint_usage")
			if err != nil {
				t.Errorf("the plain query failed: %v", err)
				return
			}
			if got := text(r); got != "12|fine|2\n" {
				t.Errorf("the plain query answered %q", got)
				return
			}
			n++
		}
	}()
	return stop, counted
}

type attempt struct {
	classes map[string]bool
	sql     string
}

func readAttempts(t *testing.T, fill *strings.Replacer) []attempt {
	t.Helper()
	b, err := os.ReadFile("testdata/escapes.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []attempt
	for line := range strings.SplitSeq(string(b), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		want, sql, ok := strings.Cut(line, "\t")
		if !ok {
			t.Fatalf("testdata/escapes.txt: no tab in %q", line)
		}
		a := attempt{classes: map[string]bool{}, sql: fill.Replace(sql)}
		for c := range strings.SplitSeq(want, "|") {
			a.classes[c] = true
		}
		out = append(out, a)
	}
	return out
}

func keys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func listFiles(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		out = append(out, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTextBombs has the ways out that are too long to write down.
func TestTextBombs(t *testing.T) {
	w := start(t, newLake(t), nil)
	for name, c := range map[string]struct {
		sql     string
		classes string
	}{
		"longer than allowed":     {"SELECT '" + strings.Repeat("x", 70<<10) + "'", "too_large"},
		"thousands of ands":       {"SELECT 1 WHERE " + strings.Repeat("1=1 AND ", 7000) + "true", "too_large timeout ok"},
		"deep brackets":           {"SELECT " + strings.Repeat("(", 20000) + "1" + strings.Repeat(")", 20000), "syntax invalid too_large timeout memory"},
		"deep lists":              {"SELECT " + strings.Repeat("[", 20000) + "1" + strings.Repeat("]", 20000), "syntax invalid too_large timeout memory"},
		"deep subqueries":         {strings.Repeat("SELECT * FROM (", 3000) + "SELECT 1" + strings.Repeat(")", 3000), "syntax invalid too_large timeout memory"},
		"deep calls":              {"SELECT " + strings.Repeat("upper(", 8000) + "'a'" + strings.Repeat(")", 8000), "syntax invalid too_large timeout memory"},
		"many tables":             {"SELECT count(*) FROM range(9) r" + strings.Repeat(", range(9)", 3000), "too_large timeout memory invalid"},
		"many unions":             {"SELECT 1" + strings.Repeat(" UNION ALL SELECT 1", 3000), "too_large timeout memory invalid ok"},
		"a long chain of CTEs":    {chainOfCTEs(1500), "too_large timeout memory invalid ok"},
		"CTEs that double":        {doublingCTEs(60), "too_large timeout memory invalid"},
		"nested comments":         {"SELECT " + strings.Repeat("/*", 10000) + strings.Repeat("*/", 10000) + " 1", "ok"},
		"a type without an end":   {"SELECT CAST(NULL AS " + strings.Repeat("ARRAY<", 9000) + "INT" + strings.Repeat(">", 9000) + ")", "syntax invalid too_large timeout memory refused"},
		"a long list of columns":  {"SELECT " + strings.Repeat("1,", 30000) + "1", "too_large timeout memory invalid ok"},
		"invalid UTF-8":           {"SELECT '\xff\xfe'", "refused"},
		"a NUL":                   {"SELECT 'a\x00b'", "refused"},
		"nothing":                 {"", "refused"},
		"a mark and nothing else": {"\ufeff", "refused"},
		"only a semicolon":        {";", "refused"},
		"a mark before the query": {"\ufeffSELECT 1", "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := try(w, c.sql, strings.Contains(c.classes, "timeout"))
			if took := time.Since(began); took > bombEnd {
				t.Errorf("took %v", took)
			}
			class := string(warehouse.ClassOf(err))
			if err == nil {
				class = "ok"
			}
			if !strings.Contains(" "+c.classes+" ", " "+class+" ") {
				t.Errorf("ended with %q, want one of %s: %.300v", class, c.classes, err)
			}
		})
	}
	if _, err := ask(w, "SELECT 1"); err != nil {
		t.Errorf("after all of them: %v", err)
	}
}

func chainOfCTEs(n int) string {
	var b strings.Builder
	b.WriteString("WITH a0 AS (SELECT 1 AS x)")
	for i := 1; i < n; i++ {
		b.WriteString(", a" + itoa(i) + " AS (SELECT x FROM a" + itoa(i-1) + ")")
	}
	return b.String() + " SELECT * FROM a" + itoa(n-1)
}

func doublingCTEs(n int) string {
	var b strings.Builder
	b.WriteString("WITH a0 AS (SELECT * FROM range(2))")
	for i := 1; i < n; i++ {
		b.WriteString(", a" + itoa(i) + " AS (SELECT l.range FROM a" + itoa(i-1) + " l, a" + itoa(i-1) + " r)")
	}
	return b.String() + " SELECT count(*) FROM a" + itoa(n-1)
}

func itoa(i int) string {
	s := ""
	for ; i > 0 || s == ""; i /= 10 {
		s = string(rune('0'+i%10)) + s
	}
	return s
}

// TestOthersGoOn checks that a query which has to be killed does not disturb those beside it.
func TestOthersGoOn(t *testing.T) {
	w := start(t, newLake(t), func(c *warehouse.Config) { c.Workers = 2 })
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := try(w, "SELECT levenshtein(repeat(s, 100000), repeat(s || 'b', 100000)) FROM (VALUES ('ab')) AS t(s)", true)
		if err == nil {
			t.Error("the bomb went through")
		}
	})
	for range 50 {
		if _, err := ask(w, "SELECT count(*) FROM system.serving.endpoint_usage"); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

// TestCancel checks that a caller who leaves ends the query and its worker's work.
func TestCancel(t *testing.T) {
	l := newLake(t)
	w := start(t, l, nil)
	if _, err := ask(w, "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	taken := l.taken.Load()
	done := make(chan error, 1)
	go func() {
		_, err := w.Query(ctx, warehouse.Query{
			SQL: "SELECT count(*) FROM system.serving.endpoint_usage a, range(10000000) b, range(10000000) c", Allow: notOther,
		})
		done <- err
	}()
	for l.taken.Load() == taken { // the query has its snapshot and is about to run
		select {
		case err := <-done:
			t.Fatalf("ended early: %v", err)
		default:
			runtime.Gosched()
		}
	}
	cancel()
	if err := <-done; warehouse.ClassOf(err) != "cancelled" {
		t.Errorf("got %v", err)
	}
	if n := l.held.Load(); n != 0 {
		t.Errorf("%d snapshots are still held", n)
	}
	if _, err := ask(w, "SELECT 1"); err != nil {
		t.Errorf("the next query: %v", err)
	}
}
