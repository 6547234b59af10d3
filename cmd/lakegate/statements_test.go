package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/dashboards/monthclose"
	"github.com/lakegate/lakegate/internal/maintain/gateways"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/state"
)

// monthCloses closes the month before this one on a copy of a demo's folder, and then has rows of it
// go and their files.
func monthCloses(t *testing.T, demo string) {
	data := t.TempDir()
	if err := os.CopyFS(data, os.DirFS(demo)); err != nil {
		t.Fatal(err)
	}
	month := time.Now().UTC().AddDate(0, 0, -time.Now().UTC().Day()).Format("2006-01")
	report := func(want string, args ...string) string {
		t.Helper()
		out, _, err := run(t, "", append(append([]string{"report"}, args...), "--data", data)...)
		var exit exitError
		if err != nil && !errors.As(err, &exit) {
			out = err.Error()
		}
		if !strings.Contains(out, want) {
			t.Fatalf("report %s: no %q in\n%s", strings.Join(args, " "), want, out)
		}
		return out
	}
	report("no month is closed yet", "statements")
	report("is not closed", "statements", month)
	report("Statement of "+month+", revision 1. Closed by", "close", "--month", month, "--by", "team,model", "--tz", "Europe/Berlin", "--force")
	report("the month is closed already: by", "close", "--month", month)
	report("nothing has changed since the statement", "close", "--month", month, "--revise")
	report("can't be closed yet: it ends on", "close", "--month", time.Now().UTC().Format("2006-01"))
	report("team,model", "statements")
	report("line,allocated,", "statements", month, "--format", "csv")
	report("now         the same on every line", "statements", "--check", month)

	stored := &monthclose.Statement{}
	if err := json.Unmarshal([]byte(report("", "statements", month, "--format", "json")), stored); err != nil || stored.Table.Version == 0 || len(stored.Lines) < 10 {
		t.Fatalf("%v, version %d, %d lines", err, stored.Table.Version, len(stored.Lines))
	}

	// Retention takes rows of the month: the statement can still be made from its version.
	before := parquetFiles(t, data)
	if out, _, err := run(t, "", "tables", "retain", "endpoint_usage", "--days", "1", "--data", data); err != nil || !strings.Contains(out, "deleted") {
		t.Fatalf("%v\n%s", err, out)
	}
	out := report("gives the same document again", "statements", "--check", month)
	if !strings.Contains(out, "lines differ") || !strings.Contains(out, "-"+stored.Sums["total"].CostUSD) {
		t.Errorf("the check does not show that all of the month is gone:\n%s", out)
	}
	// Vacuum takes the files: it can't any more, and the check says why.
	for _, f := range before {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	report("NOT PROVEN: version", "statements", "--check", month)
	report("Statement of "+month, "statements", month)
}

// parquetFiles are the files of the usage table of all days but this one.
func parquetFiles(t *testing.T, data string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(data, "lake/system/serving/endpoint_usage/*/*.parquet"))
	if err != nil || len(all) == 0 {
		t.Fatalf("no files: %v", err)
	}
	var old []string
	limit := "request_date=" + time.Now().UTC().Format(time.DateOnly)
	for _, f := range all {
		if filepath.Base(filepath.Dir(f)) < limit {
			old = append(old, f)
		}
	}
	return old
}

// A month waits for the gateways that may have rows of it.
func TestMonthsWaitForGateways(t *testing.T) {
	end := time.Date(2026, 12, 1, 0, 15, 0, 0, time.UTC)
	micros := func(at time.Time) uint64 { return uint64(at.UnixMicro()) }
	g := func(id string, seen time.Time, stopped bool, landed time.Time, bytes int64) gateways.Gateway {
		x := gateways.Gateway{LogID: id, Host: "host-" + id, Seen: seen, Status: gateways.Status{LandedThrough: micros(landed), UnlandedBytes: bytes}}
		if stopped {
			x.Stopped = seen
		}
		return x
	}
	docs := state.New(memstore.New())
	for _, x := range []gateways.Gateway{
		g("idle", end.Add(time.Minute), false, end.AddDate(0, -1, 0), 0),
		g("busy", end.Add(time.Hour), false, end.Add(time.Minute), 1<<20),
		g("done", end.AddDate(0, -2, 0), true, end.AddDate(0, -2, 0), 0),
		g("ourself", end.AddDate(0, -2, 0), false, end.AddDate(0, -2, 0), 5),
		g("crashed", end.AddDate(0, 0, -3), false, end, 0),
		g("behind", end.Add(time.Hour), false, end.Add(-time.Minute), 1<<20),
		g("left", end.AddDate(0, 0, -3), true, end.AddDate(0, 0, -4), 80),
	} {
		doc, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := docs.Create(t.Context(), gateways.Kind, x.LogID, doc); err != nil {
			t.Fatal(err)
		}
	}
	b := &books{docs: docs, own: "ourself"}
	why, err := b.missing(t.Context(), end, end.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(why, "\n")
	for _, id := range []string{"crashed", "behind", "left"} {
		if !strings.Contains(text, "on host-"+id) {
			t.Errorf("the month does not wait for %s:\n%s", id, text)
		}
	}
	if len(why) != 3 {
		t.Errorf("%d reasons, want 3:\n%s", len(why), text)
	}
	if why, err := b.missing(t.Context(), end, end.Add(-time.Minute)); err != nil || !strings.Contains(why[0], "may still run, until 00:15 UTC") {
		t.Errorf("right after the month: %v %v", why, err)
	}
}

// An answer of the store that never comes is blamed on the store.
func TestDocumentsSayThatTheStoreIsAway(t *testing.T) {
	store, err := fsstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &moody{Store: store, down: true}
	docs := sharedDocs{state.New(m)}
	if _, err := docs.Create(t.Context(), "kind", "id", []byte("{}")); err == nil || !strings.Contains(err.Error(), "can't be reached now") || !errors.Is(err, errDown) {
		t.Errorf("create: %v", err)
	}
	if _, _, err := docs.Get(t.Context(), "kind", "id"); !errors.Is(err, state.ErrNotFound) || strings.Contains(err.Error(), "reached") {
		t.Errorf("a document that is not there: %v", err)
	}
}
