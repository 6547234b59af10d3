package main

import (
	"os"
	"path/filepath"
	"testing"
)

// config check finds its file as other commands do, and by name.
func TestConfigCheckFindsItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lakegate.yaml")
	if err := os.WriteFile(file, []byte("data: ./d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"config", "check", file}, {"config", "check", "--config", file}} {
		if _, errOut, err := run(t, "", args...); err != nil {
			t.Errorf("%v: %v\n%s", args, err, errOut)
		}
	}
	if _, _, err := run(t, "", "config", "check", file, "--config", file); err == nil {
		t.Error("a file that is given twice was checked")
	}
}
