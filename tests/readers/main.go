// Command readers lets engines that are not ours (delta-rs, Polars, Spark, and DuckDB where its Delta
// extension can be had) read tables after everything that lakegate does to them, and write to tables
// that lakegate goes on with. What they find is compared with what was written, row by row; what they
// count in the tables of `lakegate demo --once` with our own SQL. See tests/README.md.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/tests/suite"
)

// config is what the suite is started with.
type config struct {
	lakegate, home, data, only, python string
	seed                               uint64
}

func main() {
	var c config
	flag.StringVar(&c.lakegate, "lakegate", "bin/lakegate", "the binary to test")
	flag.StringVar(&c.home, "home", "tests/readers", "folder of the Python programs")
	flag.StringVar(&c.data, "data", "", "data folder of the demo part; made by lakegate demo --once when empty")
	flag.StringVar(&c.only, "only", "", "one part: tour, spark, delta-rs, s3, demo")
	flag.StringVar(&c.python, "python", "", "interpreter that has what requirements.txt names; made in the home folder when empty")
	flag.Uint64Var(&c.seed, "seed", rand.Uint64(), "of the rows")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	s := &suite.Suite{Name: "readers", MustRun: os.Getenv("CI") == "true", Out: os.Stdout}
	err := run(ctx, s, c)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "readers:", err)
		os.Exit(1)
	}
	os.Exit(s.Finish())
}

func run(ctx context.Context, s *suite.Suite, c config) error {
	if _, err := os.Stat(c.lakegate); err != nil {
		return fmt.Errorf("%w (make build makes it)", err)
	}
	python, err := c.python, error(nil)
	if python == "" {
		python, err = suite.Python(c.home)
	}
	if errors.Is(err, suite.ErrNoTool) {
		s.Skip("all engines", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lakegate-readers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	e, err := startEngines(ctx, s, python, filepath.Join(c.home, "engines.py"), dir)
	if err != nil {
		return err
	}
	defer e.close()
	fmt.Println("readers: seed", c.seed)
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"tour", func() error { return runTour(ctx, s, e, filepath.Join(dir, "tour"), c.seed) }},
		{"spark", func() error {
			if !e.has("spark") {
				return nil // skipped loudly when it was probed
			}
			return runForeignSpark(ctx, s, e, filepath.Join(dir, "spark"), c.seed)
		}},
		{"delta-rs", func() error {
			store, err := fsstore.Open(filepath.Join(dir, "rust"))
			if err != nil {
				return err
			}
			return runForeignDeltaRS(ctx, s, e, store, place{address: filepath.Join(dir, "rust")}, c.seed)
		}},
		{"s3", func() error { return runS3(ctx, s, e, filepath.Join(dir, "s3"), c.seed) }},
		{"demo", func() error { return runDemo(ctx, s, e, python, c, dir) }},
	} {
		if c.only != "" && c.only != part.name {
			continue
		}
		began := time.Now()
		if err := part.run(); err != nil {
			s.Check(part.name, err)
		}
		fmt.Printf("readers: %s took %.0fs\n", part.name, time.Since(began).Seconds())
	}
	return nil
}

// demo makes the data and shows its last line, which says that nothing is missing.
func demo(ctx context.Context, lakegate, data string, more ...string) error {
	out, err := exec.CommandContext(ctx, lakegate, append([]string{"demo", "--once", "--data", data}, more...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("lakegate demo --once: %w\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	fmt.Println("readers: demo:", lines[len(lines)-1])
	return nil
}

// reading is what one engine found in one table.
type reading struct {
	Table   string             `json:"table"` // folder below the lake's root
	Engine  string             `json:"engine"`
	Figures map[string]*string `json:"figures"` // null is NULL
}

func read(ctx context.Context, python, program, lake string) ([]reading, error) {
	cmd := exec.CommandContext(ctx, python, program, lake)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", program, err, problems.String())
	}
	var all []reading
	in := bufio.NewScanner(bytes.NewReader(out))
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var r reading
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s printed %q: %w", program, in.Text(), err)
		}
		all = append(all, r)
	}
	return all, in.Err()
}

// mustExist are tables that a demo without which would prove little.
var mustExist = []string{"system/serving/endpoint_usage", "system/serving/served_entities"}

// compare holds every figure to what our SQL says of the same folder.
func compare(ctx context.Context, s *suite.Suite, lakegate, data string, found []reading) error {
	seen := map[string]bool{}
	for _, r := range found {
		seen[r.Table] = true
		names := make([]string, 0, len(r.Figures))
		for n := range r.Figures {
			if n != "version" && n != "files" {
				names = append(names, n)
			}
		}
		slices.Sort(names)
		ours, err := ask(ctx, lakegate, data, r.Table, names)
		if err != nil {
			s.Check(r.Engine+" "+r.Table, err)
			continue
		}
		for i, n := range names {
			s.Check(fmt.Sprintf("%s: %s: %s", r.Engine, r.Table, n), same(r.Figures[n], ours[i]))
		}
		fmt.Printf("readers: %s: %s: %s rows, %d figures compared\n", r.Engine, r.Table, show(r.Figures["rows"]), len(names))
	}
	for _, t := range mustExist {
		if !seen[t] {
			s.Check(t, errors.New("no engine found the table"))
		}
	}
	if !slices.ContainsFunc(found, func(r reading) bool { return strings.HasSuffix(r.Table, "_payload") }) {
		s.Check("payloads", errors.New("no engine found a payload table"))
	}
	return nil
}

// ask computes the figures with our own SQL, in the order of their names.
func ask(ctx context.Context, lakegate, data, table string, names []string) ([]*string, error) {
	var list []string
	for i, n := range names {
		list = append(list, fmt.Sprintf("CAST(%s AS STRING) AS f%d", expression(n), i))
	}
	query := "SELECT " + strings.Join(list, ", ") + " FROM " + strings.ReplaceAll(table, "/", ".")
	cmd := exec.CommandContext(ctx, lakegate, "sql", "--data", data, "--format", "json", query)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", query, err, problems.String())
	}
	var rows []map[string]*string
	if err := json.Unmarshal(out, &rows); err != nil || len(rows) != 1 {
		return nil, fmt.Errorf("%s: %d rows, %w: %s", query, len(rows), err, out)
	}
	all := make([]*string, len(names))
	for i := range names {
		all[i] = rows[0][fmt.Sprintf("f%d", i)]
	}
	return all, nil
}

// expression is the SQL of a figure's name, "sum latency_ms" for example.
func expression(name string) string {
	verb, column, _ := strings.Cut(name, " ")
	switch verb {
	case "rows":
		return "count(*)"
	case "distinct":
		return "count(DISTINCT " + column + ")"
	case "team":
		return "count(" + column + "['team'])"
	case "length":
		return "sum(length(" + column + "))"
	}
	return verb + "(" + column + ")"
}

// same compares two figures. Sums of decimals may differ in trailing zeros only.
func same(theirs, ours *string) error {
	if show(theirs) == show(ours) {
		return nil
	}
	return fmt.Errorf("they find %s, we %s", show(theirs), show(ours))
}

func show(v *string) string {
	if v == nil {
		return "NULL"
	}
	if strings.Contains(*v, ".") {
		return strings.TrimSuffix(strings.TrimRight(*v, "0"), ".")
	}
	return *v
}
