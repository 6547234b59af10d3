// Command bench-lake measures the lake: the way of rows from the log through Parquet into a commit,
// what rows take on disk, what an object store charges for it, commits per second, the chargeback
// query over millions of rows before and after compaction beside plain DuckDB on one file, and the
// recovery of a log.
//
// It asserts nothing about time. It prints one table and writes it to out/bench-lake.md and
// out/bench-lake.json. It fails when rows are missing or two answers differ. Everything it makes is
// in one folder, which it removes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/lakegate/lakegate/sql/worker"
)

// roleWorker is the first argument of the SQL workers that the warehouse starts.
const roleWorker = "sqlworker"

// options are the command's flags.
type options struct {
	out      string
	dir      string
	lakegate string
	quick    bool
	only     string
	rows     int   // of the chargeback
	calls    int   // through the log
	log      int64 // bytes to recover
	commits  time.Duration
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == roleWorker {
		exit(worker.Main(context.Background(), os.Stdin, os.Stdout))
	}
	if len(os.Args) == 3 && os.Args[1] == roleProvider {
		exit(provide(os.Args[2]))
	}
	o := options{rows: 20_000_000, calls: 200_000, log: 1 << 30, commits: 3 * time.Second}
	flag.StringVar(&o.out, "out", "out", "folder for bench-lake.md and bench-lake.json")
	flag.StringVar(&o.lakegate, "lakegate", "bin/lakegate", "the binary to send requests through; without it that is not measured")
	flag.StringVar(&o.dir, "dir", "", "folder to work in, which must be empty (default: a temporary one)")
	flag.BoolVar(&o.quick, "quick", false, "2 million rows and a log of 128 MiB: about a minute, noisier")
	flag.IntVar(&o.rows, "rows", o.rows, "rows that the chargeback query reads")
	flag.StringVar(&o.only, "only", "", "run one step: "+strings.Join(stepNames(), ", "))
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "bench-lake: %q is no flag; try -h\n", flag.Args())
		os.Exit(2)
	}
	if o.quick {
		o.rows, o.calls, o.log, o.commits = min(o.rows, 2_000_000), 40_000, 128<<20, time.Second
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-lake:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// steps are what is measured, in order.
var steps = []struct {
	name string
	run  func(*bench, context.Context) error
}{
	{"rows", (*bench).writePath},
	{"calls", (*bench).operations},
	{"commits", (*bench).commitRate},
	{"recovery", (*bench).recovery},
	{"beside", (*bench).beside},
	{"chargeback", (*bench).chargeback},
}

func stepNames() []string {
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.name
	}
	return names
}

// run measures and reports.
func run(ctx context.Context, o options) (err error) {
	if o.rows < 100_000 {
		return fmt.Errorf("%d rows: want 100,000 or more", o.rows)
	}
	dir, err := workFolder(o.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, dir: dir, began: time.Now()}
	b.section(fmt.Sprintf("lakegate's lake on %d cores, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH))
	if o.only != "" && !slices.Contains(stepNames(), o.only) {
		return fmt.Errorf("%q is no step: %s", o.only, strings.Join(stepNames(), ", "))
	}
	for _, step := range steps {
		if o.only != "" && o.only != step.name {
			continue
		}
		at := time.Now()
		fmt.Fprintf(os.Stderr, "bench-lake: %s\n", step.name)
		if err := step.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(os.Stderr, "bench-lake: %s took %.0f s\n", step.name, time.Since(at).Seconds())
	}
	return b.report()
}

// workFolder returns a folder that is the bench's own.
func workFolder(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "lakegate-bench-")
	}
	dir = filepath.Join(dir, "bench-lake")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("make a folder of its own to work in: %w", err)
	}
	return filepath.Abs(dir)
}
