package delta

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
)

// The child process of TestKilledProcesses: it appends segments of an application to the table in
// childDir, from childFrom to childTo, and prints the number of each one that is in the table.
const (
	childDir  = "DELTA_TEST_DIR"
	childApp  = "DELTA_TEST_APP"
	childFrom = "DELTA_TEST_FROM"
	childTo   = "DELTA_TEST_TO"
)

// runChild runs the child, if this process is one.
func runChild() bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	from, err := strconv.Atoi(os.Getenv(childFrom))
	if err == nil {
		var to int
		to, err = strconv.Atoi(os.Getenv(childTo))
		if err == nil {
			err = appendSegments(dir, os.Getenv(childApp), from, to)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

func appendSegments(dir, app string, from, to int) error {
	ctx := context.Background()
	store, err := fsstore.Open(dir)
	if err != nil {
		return err
	}
	tbl, err := OpenOrCreate(ctx, store, usage(), Options{CheckpointInterval: 20})
	if err != nil {
		return err
	}
	for n := from; n <= to; n++ {
		f := file(n)
		f.Path = DataFileName(f.PartitionValues, uint64(n), app)
		if _, err := store.Put(ctx, tbl.Key(f.Path), []byte(app)); err != nil {
			return err
		}
		_, err := tbl.Append(ctx, []Add{f}, Txn{AppID: app, Version: int64(n)}, nil)
		if err != nil && !errors.Is(err, ErrTxnDone) {
			return err
		}
		fmt.Println(n)
	}
	return nil
}

// Several processes append to one table and are killed again and again, at any point: nothing that
// one of them acknowledged is lost, and nothing is there twice.
func TestKilledProcesses(t *testing.T) {
	const processes, segments = 4, 60
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dir := t.TempDir()
	var (
		wg    sync.WaitGroup
		kills [processes]int
	)
	for p := range processes {
		wg.Go(func() {
			app, rnd := fmt.Sprintf("log%05d", p), rand.New(rand.NewPCG(seed, uint64(p)))
			for acked := 0; acked < segments; {
				// Again from the last one acknowledged: as after a crash that forgot it.
				now, killed, err := runUntilKilled(t, dir, app, max(acked, 1), segments, 1+rnd.IntN(15))
				if err != nil {
					t.Error(err)
					return
				}
				if killed {
					kills[p]++
				}
				acked = max(acked, now)
			}
		})
	}
	wg.Wait()
	t.Logf("kills %v", kills)
	store, err := fsstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	checkSegments(t, store, fresh(t, store), processes, segments)
}

// runUntilKilled runs a child and kills it after it has acknowledged some segments. It returns the
// last one acknowledged, 0 for none.
func runUntilKilled(t *testing.T, dir, app string, from, to, lines int) (acked int, killed bool, err error) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childApp+"="+app, childFrom+"="+strconv.Itoa(from), childTo+"="+strconv.Itoa(to))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, false, err
	}
	if err := cmd.Start(); err != nil {
		return 0, false, err
	}
	for scan := bufio.NewScanner(out); scan.Scan(); {
		if acked, err = strconv.Atoi(scan.Text()); err != nil {
			return 0, false, err
		}
		if lines--; lines == 0 {
			killed = true
			if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return 0, false, err
			}
		}
	}
	if err := cmd.Wait(); err != nil && !killed {
		return 0, false, fmt.Errorf("child %s: %w", app, err)
	}
	return acked, killed, nil
}

// checkSegments wants each segment of each application once, in commits without a gap.
func checkSegments(t *testing.T, store objstore.Store, s *Snapshot, processes, segments int) {
	t.Helper()
	found := map[string][]int{}
	for f := range s.Files() {
		data, info, err := store.Get(t.Context(), usage().Name.Path()+"/"+f.Path)
		if err != nil || info.Size == 0 {
			t.Fatalf("file %s: %v", f.Path, err)
		}
		var n int
		if _, err := fmt.Sscanf(f.Path[len("request_date=2026-11-01/part-"):], "%020d", &n); err != nil {
			t.Fatal(err)
		}
		found[string(data)] = append(found[string(data)], n)
	}
	want := make([]int, segments)
	for i := range want {
		want[i] = i + 1
	}
	for p := range processes {
		app := fmt.Sprintf("log%05d", p)
		slices.Sort(found[app])
		if !slices.Equal(found[app], want) || s.Txns[app] != int64(segments) {
			t.Errorf("%s has segments %v up to txn %d, want 1 to %d once each", app, found[app], s.Txns[app], segments)
		}
	}
	if s.Version != int64(processes*segments) {
		t.Errorf("version %d, want %d", s.Version, processes*segments)
	}
}
