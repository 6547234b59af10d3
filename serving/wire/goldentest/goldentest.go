// Package goldentest compares what tests of the wire formats describe with files that -update writes.
//
// It is for tests only: every fault ends the test that is given. The texts are for people who read the
// difference; nothing parses them.
package goldentest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Update says that golden files are to be written instead of compared with.
var Update = flag.Bool("update", false, "rewrite the golden files")

// Run describes each file that fits pattern, as a test of its own, and compares with the .golden
// beside it.
func Run(t *testing.T, pattern string, describe func(t *testing.T, in []byte) string) {
	t.Helper()
	for _, file := range Files(t, pattern) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			Same(t, file+".golden", describe(t, Read(t, file)))
		})
	}
}

// Files returns the files that fit pattern, at least one.
func Files(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files for %s: %v", pattern, err)
	}
	return files
}

// Read returns what is in a file.
func Read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Same compares got with a file.
func Same(t *testing.T, file, got string) {
	t.Helper()
	if *Update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(string(Read(t, file)), got); d != "" {
		t.Errorf("%s: -want +got:\n%s", file, d)
	}
}

// Indented writes JSON for people.
func Indented(t testing.TB, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(b), "", "  "); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return out.String() + "\n"
}

// Lean writes a value for people: a line for each thing that is set, as its path and its value. Raw JSON
// is there as it is; a pointer that is set is there even where it leads to nothing.
func Lean(v any) string {
	var b strings.Builder
	lean(&b, reflect.ValueOf(v), "")
	return b.String()
}

func lean(b *strings.Builder, v reflect.Value, name string) {
	if !v.IsValid() || v.IsZero() {
		return
	}
	switch v.Kind() {
	case reflect.Interface:
		lean(b, v.Elem(), name)
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			lean(b, v.MapIndex(k), fmt.Sprintf("%s[%v]", name, k))
		}
	case reflect.Pointer:
		lean(b, v.Elem(), name)
		if v.Elem().IsZero() {
			fmt.Fprintf(b, "%s: %v\n", name, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				lean(b, v.Field(i), strings.TrimPrefix(name+"."+f.Name, "."))
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			fmt.Fprintf(b, "%s: %s\n", name, v.Bytes())
			return
		}
		for i := range v.Len() {
			lean(b, v.Index(i), fmt.Sprintf("%s[%d]", name, i))
		}
	case reflect.String:
		text := v.String()
		if strings.ContainsAny(text, "\n\r") {
			text = strconv.Quote(text)
		}
		fmt.Fprintf(b, "%s: %s\n", name, text)
	default:
		fmt.Fprintf(b, "%s: %v\n", name, v)
	}
}

// Line is Lean on one line.
func Line(v any) string {
	return strings.ReplaceAll(strings.TrimSuffix(Lean(v), "\n"), "\n", ", ")
}
