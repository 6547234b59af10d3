package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// bench is one run.
type bench struct {
	options
	dir   string
	began time.Time
	title string
	lines []line
}

// line is one line of the table.
type line struct {
	What  string `json:"what"`
	Value string `json:"value"`
	Note  string `json:"note,omitempty"`
}

func (b *bench) section(title string) { b.title = title }

func (b *bench) add(what, value, format string, args ...any) {
	l := line{what, value, fmt.Sprintf(format, args...)}
	b.lines = append(b.lines, l)
	fmt.Fprintf(os.Stderr, "  %s: %s %s\n", l.What, l.Value, l.Note)
}

// report prints the table and writes the files.
func (b *bench) report() error {
	var s strings.Builder
	fmt.Fprintf(&s, "# %s\n\n%s, %.0f s.%s\n\n| | | |\n| --- | ---: | --- |\n", b.title, b.began.UTC().Format("2006-01-02 15:04"), time.Since(b.began).Seconds(), map[bool]string{true: " Quick: noisier."}[b.quick])
	for _, l := range b.lines {
		fmt.Fprintf(&s, "| %s | %s | %s |\n", l.What, l.Value, l.Note)
	}
	fmt.Print(s.String())
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	data, err := json.MarshalIndent(map[string]any{"title": b.title, "began": b.began, "lines": b.lines}, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.out, "bench-lake.md"), []byte(s.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.out, "bench-lake.json"), append(data, '\n'), 0o644)
}

// rate is a number per second, with commas.
func rate(n int64, d time.Duration) string {
	return grouped(int64(float64(n)/d.Seconds())) + "/s"
}

func megabytes(n int64, d time.Duration) string {
	return fmt.Sprintf("%.0f MB/s", float64(n)/1e6/d.Seconds())
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
