package forget

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/state"
)

func columnValues(t testing.TB, b []byte, column string) (values []string) {
	t.Helper()
	must(t, datafile.ReadStrings(context.Background(), bytes.NewReader(b), column, func(s string, null bool) error {
		if null {
			s = "NULL"
		}
		values = append(values, s)
		return nil
	}))
	return values
}

func (l *lake) forget(s Subject, o Options) *Report {
	l.t.Helper()
	r, err := Run(context.Background(), l.config(), s, o)
	must(l.t, err)
	return r
}

func wantClean(t testing.TB, r *Report) {
	t.Helper()
	if !r.Clean {
		var b strings.Builder
		must(t, r.Write(&b))
		t.Fatalf("not clean:\n%s", &b)
	}
}

func TestForgetRequester(t *testing.T) {
	l := newLake(t)
	l.gateway()
	l.gateway()
	l.fill()
	r := l.forget(Subject{Requester: alice}, Options{})
	wantClean(t, r)
	const each = 2 * (3*4 + 1) // requests of each person
	if got := r.Rows(); got != 2*each+6 {
		t.Errorf("%d rows of hers, want %d and 6 changes of entities", got, 2*each)
	}
	for _, table := range []string{usageTable, payloadTable} {
		if v := l.values(table, "requester"); count(v, alice) != 0 || count(v, bob) != each {
			t.Errorf("%s has the requesters %v", table, v)
		}
	}
	if v := l.values("system/serving/served_entities", "created_by"); len(v) != 6 || count(v, "NULL") != 6 {
		t.Errorf("entities were made by %v", v)
	}
	p := r.Proof
	if p.Folders != 2 || p.Rows == 0 || p.Values == 0 || p.Commits == 0 || p.Segments == 0 || p.Objects == 0 {
		t.Errorf("the proof looked at %+v", p)
	}
	l.noBytes(alice)
	if got := l.verify(); got != 2*each {
		t.Errorf("%d rows are erased by the books, want %d", got, 2*each)
	}
	l.noBytes(alice)
}

// noBytes fails when a file below the lake's folder has the word, compressed texts not looked at.
func (l *lake) noBytes(word string) {
	l.t.Helper()
	must(l.t, filepath.WalkDir(l.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(word)) {
			l.t.Errorf("%s has %s", path, word)
		}
		return err
	}))
}

func TestAnonymizeKeepsTheSums(t *testing.T) {
	l := newLake(t)
	l.gateway()
	l.fill()
	before := l.values(usageTable, "databricks_request_id")
	r := l.forget(Subject{Requester: alice}, Options{Mode: Anonymize})
	wantClean(t, r)
	if v := l.values(usageTable, "requester"); len(v) != 26 || count(v, alice) != 0 || count(v, "NULL") != 13 {
		t.Errorf("requesters %v", v)
	}
	for column, nulls := range map[string]int{"key_id": 13, "ip_address": 13, "user_agent": 13, "client_request_id": 13, "endpoint_name": 0, "model": 0} {
		if v := l.values(usageTable, column); count(v, "NULL") != nulls {
			t.Errorf("column %s has %d NULLs, want %d", column, count(v, "NULL"), nulls)
		}
	}
	if v := l.values(payloadTable, "requester"); len(v) != 13 || count(v, alice) != 0 {
		t.Errorf("payloads of %v", v)
	}
	after := l.values(usageTable, "databricks_request_id")
	same := 0
	for _, id := range before {
		same += count(after, id)
	}
	if len(after) != 26 || same != 12 {
		t.Errorf("%d of %d landed ids are still there, want those of the other person: 12", same, len(before))
	}
	l.noBytes(alice)
	l.verify()
}

func TestForgetByTagAndByID(t *testing.T) {
	l := newLake(t)
	g := l.gateway()
	l.fill()
	one := g.call(person{bob, nil}, "one to forget")
	s, err := ParseTag("team=a")
	must(t, err)
	wantClean(t, l.forget(s, Options{}))
	if v := l.values(usageTable, "requester"); count(v, alice) != 1 || count(v, bob) != 14 {
		t.Errorf("after the tag: %v", v) // the request without tags stays
	}
	wantClean(t, l.forget(Subject{RequestIDs: []string{one.ID.String()}}, Options{}))
	for _, table := range []string{usageTable, payloadTable} {
		if v := l.values(table, "databricks_request_id"); count(v, one.ID.String()) != 0 || len(v) != 14 {
			t.Errorf("%s after the id: %d rows", table, len(v))
		}
	}
	l.verify()
}

func TestDryRunChangesNothing(t *testing.T) {
	l := newLake(t)
	g := l.gateway()
	l.fill()
	must(t, g.w.Flush(t.Context()))
	before := fmt.Sprint(len(l.files(usageTable)), l.values(usageTable, "requester"))
	r := l.forget(Subject{Requester: alice}, Options{DryRun: true})
	if r.Rows() != 2*13+3 || r.Clean {
		t.Errorf("%d rows, clean %v", r.Rows(), r.Clean)
	}
	if after := fmt.Sprint(len(l.files(usageTable)), l.values(usageTable, "requester")); after != before {
		t.Errorf("was %s\nis  %s", before, after)
	}
	if all, err := List(t.Context(), state.New(l.store)); err != nil || len(all) != 0 {
		t.Errorf("documents %v, %v", all, err)
	}
}

// Nobody is named by what stays, but who knows the name can see that it was done.
func TestDocumentsDoNotName(t *testing.T) {
	l := newLake(t)
	l.gateway()
	l.fill()
	r := l.forget(Subject{Requester: alice}, Options{})
	req, err := Load(t.Context(), state.New(l.store), r.ID)
	must(t, err)
	if req.State != Done || req.Subject != nil || !req.Is(Subject{Requester: alice}) || req.Is(Subject{Requester: bob}) {
		t.Errorf("%+v", req)
	}
	if req.Report == nil || !req.Report.Clean {
		t.Errorf("report %+v", req.Report)
	}
}

// Requests after the request are not touched, and the proof says that they are later ones.
func TestLaterRequestsStay(t *testing.T) {
	l := newLake(t)
	g := l.gateway()
	l.fill()
	cfg := l.config()
	cfg.FailPoint = func(point string) error {
		if point == "rewritten" {
			g.call(person{alice, nil}, "she is back")
			must(t, g.w.Flush(context.Background()))
			g.call(person{alice, nil}, "and again")
		}
		return nil
	}
	r, err := Run(t.Context(), cfg, Subject{Requester: alice}, Options{})
	must(t, err)
	wantClean(t, r)
	if v := l.values(usageTable, "requester"); count(v, alice) != 1 || r.Proof.Later < 2 {
		t.Errorf("%d later rows, %d later by the proof", count(v, alice), r.Proof.Later)
	}
	l.verify()
}

var errCrash = errors.New("crash")

// A crash after each step is finished by asking again, and by a gateway.
func TestCrashPoints(t *testing.T) {
	for _, by := range []string{"again", "gateway"} {
		for n := 1; ; n++ {
			crashed := crashAt(t, n, by)
			if !crashed {
				if n < 10 {
					t.Fatalf("only %d points", n)
				}
				break
			}
		}
	}
}

func crashAt(t *testing.T, n int, by string) (crashed bool) {
	ok := t.Run(fmt.Sprintf("%s %d", by, n), func(t *testing.T) {
		l := newLake(t)
		l.gateway()
		l.fill()
		cfg := l.config()
		at, name := 0, ""
		cfg.FailPoint = func(point string) error {
			if at++; at >= n {
				name = point
				return errCrash
			}
			return nil
		}
		r, err := Run(t.Context(), cfg, Subject{Requester: alice}, Options{})
		if crashed = err != nil; !crashed {
			return
		}
		if r != nil && r.Clean {
			t.Errorf("clean, after a crash at %q", name)
		}
		if !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if by == "again" {
			wantClean(t, l.forget(Subject{Requester: alice}, Options{}))
		} else {
			l.untilDone()
		}
		for _, table := range []string{usageTable, payloadTable} {
			if v := l.values(table, "requester"); count(v, alice) != 0 || count(v, bob) != 13 {
				t.Errorf("after a crash at %q %s has %v", name, table, v)
			}
		}
		l.noBytes(alice)
		l.verify()
	})
	return crashed && ok
}

// untilDone waits until every request is done.
func (l *lake) untilDone() {
	l.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		all, err := List(context.Background(), state.New(l.store))
		must(l.t, err)
		done := len(all) > 0
		for _, r := range all {
			done = done && r.State == Done && r.Report.Clean
		}
		if done {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("not done: %+v", all[0])
		}
		must(l.t, sleep(context.Background(), 5*time.Millisecond))
	}
}

// A gateway that is down keeps the request waiting, and finishes it before it serves again.
func TestGatewayThatIsDown(t *testing.T) {
	l := newLake(t)
	l.gateway()
	down := l.gateway()
	l.fill()
	down.stop()
	<-down.ended
	copyLog(t, down) // as a crash leaves it: with rows that are not landed
	cfg := l.config()
	cfg.Patience = 4 * time.Second
	r, err := Run(t.Context(), cfg, Subject{Requester: alice}, Options{})
	must(t, err)
	if r.Clean || len(r.Waiting) != 1 {
		t.Fatalf("clean %v, waiting for %v", r.Clean, r.Waiting)
	}
	down.start()
	req, err := Load(t.Context(), state.New(l.store), r.ID)
	must(t, err)
	if req.State != Done || !req.Report.Clean {
		t.Fatalf("after the start: %s, %+v", req.State, req.Report)
	}
	l.noBytes(alice)
	l.verify()
}

// copyLog ends a gateway and puts its log back as it was before it landed.
func copyLog(t *testing.T, g *gateway) {
	t.Helper()
	logDir := filepath.Join(g.cfg.Dir, "log")
	kept := t.TempDir()
	must(t, os.CopyFS(kept, os.DirFS(logDir)))
	// The store takes nothing, so what is in the log stays there.
	g.l.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = g.w.Close(ctx)
	must(t, os.RemoveAll(logDir))
	must(t, os.CopyFS(logDir, os.DirFS(kept)))
}

// The gateway's disk is lost: who says so is not kept waiting.
func TestGatewayThatIsGone(t *testing.T) {
	l := newLake(t)
	l.gateway()
	gone := l.gateway()
	l.fill()
	id := gone.w.Stats().LogID
	gone.stop()
	<-gone.ended
	cfg := l.config()
	r, err := Run(t.Context(), cfg, Subject{Requester: alice}, Options{Gone: []string{id}})
	must(t, err)
	wantClean(t, r)
}

// What a compaction leaves, what a killed landing leaves, what somebody planted: the first two are
// deleted, the last is found.
func TestOldFilesOrphansAndPlants(t *testing.T) {
	l := newLake(t)
	l.gateway()
	l.fill()
	d, err := delta.OpenExisting(t.Context(), l.store, usageTable, delta.Options{Version: "test"})
	must(t, err)
	var first *delta.Add
	for a := range d.Snapshot().Files() {
		first = a
		break
	}
	b, _, err := l.store.Get(t.Context(), d.Key(first.Path))
	must(t, err)
	compacted, orphan := *first, strings.Replace(first.Path, ".c000", "-x.c000", 1)
	compacted.Path = delta.DataFileName(first.PartitionValues, 0, "compact0")
	for _, path := range []string{compacted.Path, orphan} {
		_, err = l.store.Put(t.Context(), d.Key(path), b)
		must(t, err)
	}
	_, err = d.Rewrite(t.Context(), delta.Rewrite{Operation: "OPTIMIZE", Remove: []string{first.Path}, Add: []delta.Add{compacted}})
	must(t, err)

	young := d.Key("request_date=2026-11-20/part-00000-young.parquet")
	_, err = l.store.Put(t.Context(), young, b)
	must(t, err)
	_, err = state.New(l.store).Create(t.Context(), "dashboards", "d1", []byte(`{"title":"calls of `+alice+`"}`))
	must(t, err)
	r := l.forget(Subject{Requester: alice}, Options{})
	if r.Clean || len(r.Left) != 1 || r.Left[0] != young {
		t.Errorf("clean %v, left %v", r.Clean, r.Left)
	}
	places := fmt.Sprint(r.Proof.Found)
	for _, p := range []string{young, "_lakegate/dashboards/d1.json"} {
		if !strings.Contains(places, p) {
			t.Errorf("%s was not found: %s", p, places)
		}
	}
	for _, path := range []string{first.Path, orphan, compacted.Path} {
		if _, err := l.store.Stat(t.Context(), d.Key(path)); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	must(t, l.store.Delete(t.Context(), young))
	must(t, state.New(l.store).Delete(t.Context(), "dashboards", "d1"))
	wantClean(t, l.forget(Subject{Requester: alice}, Options{}))
	l.verify()
}

// Statements of closed months are kept unless it is said otherwise.
func TestStatements(t *testing.T) {
	l := newLake(t)
	l.gateway()
	l.fill()
	docs := state.New(l.store)
	_, err := docs.Create(t.Context(), "statements", "2026-10-1", []byte(`{"lines":[{"group":{"requester":"`+alice+`"},"cost_nanos":12345678901234567890}]}`))
	must(t, err)
	r := l.forget(Subject{Requester: alice}, Options{})
	wantClean(t, r)
	if len(r.Proof.Kept) != 1 {
		t.Errorf("kept %v", r.Proof.Kept)
	}
	r = l.forget(Subject{Requester: alice}, Options{RedactStatements: true})
	wantClean(t, r)
	doc, _, err := docs.Get(t.Context(), "statements", "2026-10-1")
	must(t, err)
	if want := `{"lines":[{"cost_nanos":12345678901234567890,"group":{"requester":"(erased)"}}]}`; string(doc) != want || len(r.Redacted) != 1 {
		t.Errorf("%s, redacted %v", doc, r.Redacted)
	}
}

func TestValidate(t *testing.T) {
	for _, s := range []Subject{{}, {Requester: "a", TagKey: "b", TagValue: "c"}, {TagKey: "b"}, {RequestIDs: []string{"x"}}} {
		if s.Validate() == nil {
			t.Errorf("%+v is valid", s)
		}
	}
	if _, err := ParseTag("novalue"); err == nil {
		t.Error("a tag without value")
	}
}

func TestOccurrences(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "bob": 1, `"bob"`: 1, "bobcat": 0, "kebob": 0, "bob bob": 2, "bob@x": 1, "bob_1": 0, "Äbob": 0,
	} {
		if got := occurrences([]byte(text), []byte("bob")); got != want {
			t.Errorf("%q has it %d times, want %d", text, got, want)
		}
	}
}
