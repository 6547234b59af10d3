package tablewriter

import (
	"bytes"
	"os"
	"testing"

	"github.com/lakegate/lakegate/internal/inference"
)

func TestPurgeLeavesNothingInTheLog(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	done := call(t, w, "a question of long ago")
	running := request("a question under way")
	ticket, err := w.Admit(running)
	must(t, err)
	before := w.log.End().Segment

	through, dropped, err := w.Purge(t.Context())
	must(t, err)
	if through != before || dropped != 1 {
		t.Fatalf("purged %d segments through %d, want 1 through %d", dropped, through, before)
	}
	for _, path := range glob(t, cfg, "log/*.wal") {
		b, err := os.ReadFile(path)
		must(t, err)
		if bytes.Contains(b, []byte("of long ago")) || bytes.Contains(b, done.ID[:]) {
			t.Errorf("%s still has the request", path)
		}
	}
	// Again, with nothing new but the running request's record.
	if _, _, err := w.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	must(t, w.Finish(ticket, answered(running, 7), false))
	must(t, w.Flush(t.Context()))
	sameIDs(t, ids(t, w, "system.serving.usage"), done, running)
	mustClose(t, w)
	if rep := verified(t, cfg); !rep.OK() {
		t.Fatal(rep.Problems)
	}
}

func TestPurgeSaysWhatItCannotDo(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newFlakyStore(t, &cfg)
	w := mustOpen(t, cfg)
	call(t, w, "")
	store.fail(down)
	if _, _, err := w.Purge(t.Context()); err == nil {
		t.Fatal("purged although the store is down")
	}
	store.fail(nil)
	if _, _, err := w.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestPurgeForgetsLostIDs(t *testing.T) {
	id := inference.ID{1}
	l := &ledger{Tables: map[string]ledgerTable{"a": {Rows: 2, Lost: 1, LostSum: 5, LostIDs: []inference.ID{id}}}}
	n := l.forgetLost()
	if n.Tables["a"].LostIDs != nil || n.Tables["a"].LostSum != 5 || len(l.Tables["a"].LostIDs) != 1 {
		t.Fatalf("%+v of %+v", n, l)
	}
	if n.forgetLost() != n {
		t.Fatal("nothing changed, and it is another ledger")
	}
}
