package tablewriter

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/inference"
)

// stopped makes a folder of a gateway that landed 12 requests in 3 commits and stopped.
func stopped(t *testing.T) Config {
	t.Helper()
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	for range 3 {
		for range 4 {
			call(t, w, "question")
		}
		must(t, w.Entity(&inference.EntityChange{ServedEntityName: "gpt"}))
		must(t, w.Flush(t.Context()))
	}
	mustClose(t, w)
	return cfg
}

// glob returns the files that match a pattern below the folder, sorted.
func glob(t *testing.T, cfg Config, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cfg.Dir, filepath.FromSlash(pattern)))
	must(t, err)
	if len(files) == 0 {
		t.Fatalf("nothing matches %s", pattern)
	}
	slices.Sort(files)
	return files
}

func TestVerifyFindsDamage(t *testing.T) {
	const usage, entities = "lake/system/serving/usage/", "lake/system/serving/entities/"
	for _, tc := range []struct {
		name   string
		harm   func(t *testing.T, cfg Config)
		lost   int64
		faults int
		double int64
		says   string
	}{
		{"nothing is wrong", func(*testing.T, Config) {}, 0, 0, 0, ""},
		{"a data file is gone", func(t *testing.T, cfg Config) {
			must(t, os.Remove(glob(t, cfg, usage+"*/*.parquet")[0]))
		}, 4, 1, 0, "it is gone"},
		{"a data file without ids is gone", func(t *testing.T, cfg Config) {
			must(t, os.Remove(glob(t, cfg, entities+"*.parquet")[0]))
		}, 1, 1, 0, "it is gone"},
		{"a data file is cut", func(t *testing.T, cfg Config) {
			must(t, os.Truncate(glob(t, cfg, usage+"*/*.parquet")[1], 100))
		}, 4, 1, 0, "it has 100 bytes"},
		{"a data file has other bytes", func(t *testing.T, cfg Config) {
			path := glob(t, cfg, usage+"*/*.parquet")[1]
			b, err := os.ReadFile(path)
			must(t, err)
			clear(b[len(b)-20:])
			must(t, os.WriteFile(path, b, 0o600))
		}, 4, 1, 0, "data file"},
		{"the last commit is gone", func(t *testing.T, cfg Config) {
			log := glob(t, cfg, usage+"_delta_log/*.json")
			must(t, os.Remove(log[len(log)-1]))
		}, 4, 0, 0, "4 rows of system.serving.usage are lost"},
		{"a commit in the middle is gone", func(t *testing.T, cfg Config) {
			log := glob(t, cfg, usage+"_delta_log/*.json")
			must(t, os.Remove(log[len(log)-2]))
		}, 12, 0, 0, "cannot be read"},
		{"the whole table is gone", func(t *testing.T, cfg Config) {
			must(t, os.RemoveAll(filepath.Join(cfg.Dir, filepath.FromSlash(usage))))
		}, 12, 0, 0, "is gone"},
		{"a commit is there twice", func(t *testing.T, cfg Config) {
			log := glob(t, cfg, usage+"_delta_log/*.json")
			b, err := os.ReadFile(log[len(log)-1])
			must(t, err)
			files := glob(t, cfg, usage+"*/*.parquet")
			data, err := os.ReadFile(files[len(files)-1])
			must(t, err)
			name := filepath.Base(files[len(files)-1])
			copied := strings.Replace(name, "part-", "part-0", 1)
			must(t, os.WriteFile(filepath.Join(filepath.Dir(files[0]), copied), data, 0o600))
			next := filepath.Join(filepath.Dir(log[0]), fmt.Sprintf("%020d.json", len(log)))
			must(t, os.WriteFile(next, []byte(strings.ReplaceAll(string(b), name, copied)), 0o600))
		}, 0, 0, 4, "once too often"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := stopped(t)
			tc.harm(t, cfg)
			rep := verified(t, cfg)
			if rep.OK() != (tc.says == "") {
				t.Fatalf("problems: %q", rep.Problems)
			}
			if rep.Accepted != 27 || rep.Lost != tc.lost || len(rep.Files) != tc.faults || rep.Duplicates != tc.double {
				t.Fatalf("accepted %d, lost %d, %d files at fault, %d duplicates; want 27, %d, %d, %d\n%q", rep.Accepted, rep.Lost, len(rep.Files), rep.Duplicates, tc.lost, tc.faults, tc.double, rep.Problems)
			}
			if !strings.Contains(strings.Join(rep.Problems, "\n"), tc.says) {
				t.Fatalf("problems %q, want one with %q", rep.Problems, tc.says)
			}
		})
	}
}

func TestVerifyOfNothing(t *testing.T) {
	if _, err := Verify(t.Context(), manual(filepath.Join(t.TempDir(), "none")), testFeeds(), quiet); !os.IsNotExist(err) && err == nil {
		t.Fatalf("a folder that is not there: %v", err)
	}
	if rep := verified(t, manual(t.TempDir())); !rep.OK() || rep.Accepted != 0 {
		t.Fatalf("an empty folder: %+v", rep)
	}
}

func TestVerifyReportsMissingSegments(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newFlakyStore(t, &cfg)
	store.fail(down)
	w := mustOpen(t, cfg)
	for range 3 {
		call(t, w, "")
		if err := w.Flush(t.Context()); err == nil {
			t.Fatal("flushed into a store that is down")
		}
	}
	abandon(t, w)
	cfg.Store = nil
	must(t, os.Remove(glob(t, cfg, "log/*.wal")[1]))
	check := func(step string) {
		t.Helper()
		rep := verified(t, cfg)
		if rep.OK() || len(rep.MissingSegments) != 1 || !strings.Contains(rep.Problems[0], "is gone") {
			t.Fatalf("verify %s: %+v", step, rep)
		}
	}
	check("before recovery")
	w = mustOpen(t, cfg)
	mustClose(t, w)
	check("after recovery")
}

// The first segment behind the ledger is missed too, though no segment is left that names it.
func TestMissingSegmentBehindTheLedger(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newFlakyStore(t, &cfg)
	w := mustOpen(t, cfg)
	call(t, w, "")
	must(t, w.Flush(t.Context()))
	store.fail(down)
	for range 2 {
		call(t, w, "")
		if err := w.Flush(t.Context()); err == nil {
			t.Fatal("flushed into a store that is down")
		}
	}
	abandon(t, w)
	cfg.Store = nil
	must(t, os.Remove(glob(t, cfg, "log/*.wal")[0]))
	if rep := verified(t, cfg); rep.OK() || len(rep.MissingSegments) != 1 {
		t.Fatalf("verify: %+v", rep)
	}
}

func TestVerifyOfAMixedUpFolder(t *testing.T) {
	a, b := stopped(t), stopped(t)
	text, err := os.ReadFile(ledgerPath(b.logDir()))
	must(t, err)
	must(t, os.WriteFile(ledgerPath(a.logDir()), text, 0o600))
	if rep := verified(t, a); rep.OK() || !strings.Contains(rep.Problems[0], "the segments beside it") {
		t.Fatalf("verify: %+v", rep)
	}
	if _, err := Open(t.Context(), a, testFeeds(), quiet); err == nil || !strings.Contains(err.Error(), "ledger is of log") {
		t.Fatalf("open: %v", err)
	}
}
