package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/sql/warehouse"
)

// TestDamagedFile damages a file in many ways. A query that fails on it says that a file could not be
// read, not where it is; when the copy is repaired, the query runs again and nobody notices.
func TestDamagedFile(t *testing.T) {
	const query = "SELECT count(*), sum(input_token_count), max(requester), max(usage_context['team']) FROM system.serving.endpoint_usage"
	l := newLake(t)
	w := start(t, l, nil)
	want, err := ask(w, query)
	if err != nil {
		t.Fatal(err)
	}
	path := l.files["system.serving.endpoint_usage"][1].Path
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string]func([]byte) []byte{
		"cut":       func(b []byte) []byte { return b[:len(b)/2] },
		"empty":     func([]byte) []byte { return nil },
		"no footer": func(b []byte) []byte { return append(b[:len(b)-8:len(b)-8], make([]byte, 8)...) },
		"zeroes": func(b []byte) []byte {
			return append(append([]byte("PAR1"), make([]byte, len(b)/2)...), b[4+len(b)/2:]...)
		},
		"gone": nil,
	}
	for i := 1; i < 40; i += 4 {
		damages[fmt.Sprintf("a byte in %d", i)] = func(b []byte) []byte {
			c := bytes.Clone(b)
			for k := range 16 {
				c[len(c)*i/40+k] ^= 0xa5
			}
			return c
		}
	}
	failed := 0
	for name, damage := range damages {
		for _, repairs := range []bool{false, true} {
			n := fileNumber.Add(2)
			if damage != nil {
				l.replace(t, n, damage(whole))
			} else {
				l.files["system.serving.endpoint_usage"][1].Path += "x"
			}
			l.recheck = func(context.Context) (bool, error) {
				if repairs {
					l.replace(t, n+1, whole)
				}
				return repairs, nil
			}
			before := w.Stats()
			r, err := ask(w, query)
			after := w.Stats()
			if after.Unreadable == before.Unreadable {
				if err != nil {
					t.Errorf("%s: an error that does not say that a file is damaged: %v", name, err)
				}
				continue // the engine did not notice
			}
			failed++
			if repairs && (err != nil || text(r) != text(want) || after.Reruns != before.Reruns+1) {
				t.Errorf("%s, repaired: %v", name, err)
			}
			if !repairs && (err == nil || strings.Contains(err.Error(), l.dir) || strings.Contains(err.Error(), ".parquet")) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if failed < 10 {
		t.Errorf("only %d damages were noticed", failed)
	}
	if n := l.held.Load(); n != 0 {
		t.Errorf("%d snapshots are still held", n)
	}
}

// replace gives the second file of the ledger another name and content: files never change under a name.
func (l *lake) replace(t *testing.T, n int64, data []byte) {
	f := &l.files["system.serving.endpoint_usage"][1]
	f.Path = filepath.Join(filepath.Dir(f.Path), fmt.Sprintf("copy-%06d.parquet", n))
	if err := os.WriteFile(f.Path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

var _ warehouse.Source = (*lake)(nil)
