package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/wal"
)

func runRoot(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := root()
	c.SetOut(&out)
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestLogCommands(t *testing.T) {
	data := t.TempDir()
	dir := filepath.Join(data, "log")
	l, _, err := wal.Open(dir, wal.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := l.Append(1, []byte("a record")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := runRoot(t, "log", "inspect", "--data", data); err != nil || !strings.Contains(out, "1 segments, 0 damaged places") {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[110] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := runRoot(t, "log", "inspect", "--data", data); err == nil || !strings.Contains(out, "(1 records)") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := runRoot(t, "log", "repair", "--data", data); err != nil || !strings.Contains(out, "nothing was changed") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := runRoot(t, "log", "repair", "--data", data, "--yes"); err != nil || !strings.Contains(out, "1 records are gone") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := runRoot(t, "log", "inspect", "--data", data); err != nil || !strings.Contains(out, "hole: 1 records, 1 to 1 of run 1") {
		t.Fatalf("%v\n%s", err, out)
	}
}
