package forget

import (
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

const comparisonTable = "system/serving/comparisons"

// compare makes a request that was compared with another, which has a row too.
func (g *gateway) compare(p person) (asked, other *inference.Record) {
	g.l.t.Helper()
	asked, other = g.call(p, "compare this"), g.call(p, "compare this")
	must(g.l.t, g.w.Comparison(&inference.Comparison{
		RequestID: asked.ID, RequestTime: asked.Time, Time: time.Now(), Endpoint: "chat", EndpointID: "e1", Name: "a-vs-b",
		Requester: p.name, UsageContext: p.tags, OtherID: other.ID, Winner: inference.Challenger, Reason: p.name + " asked for it",
	}))
	return asked, other
}

func TestForgetComparisons(t *testing.T) {
	l := newLake(t)
	g := l.gateway()
	g.compare(person{alice, map[string]string{"team": "a"}})
	g.compare(person{bob, map[string]string{"team": "b"}})
	must(t, g.w.Flush(t.Context()))
	g.compare(person{alice, nil})
	wantClean(t, l.forget(Subject{Requester: alice}, Options{}))
	if v := l.values(comparisonTable, "requester"); len(v) != 1 || v[0] != bob {
		t.Errorf("comparisons of %v", v)
	}
	asked, _ := g.compare(person{bob, nil})
	_, other := g.compare(person{bob, nil})
	wantClean(t, l.forget(Subject{RequestIDs: []string{asked.ID.String()}}, Options{}))
	if v := l.values(comparisonTable, "databricks_request_id"); len(v) != 2 || count(v, asked.ID.String()) != 0 {
		t.Errorf("comparisons %v", v)
	}
	// The answer that was compared goes, and with it the comparison, but not the client's own request.
	wantClean(t, l.forget(Subject{RequestIDs: []string{other.ID.String()}}, Options{}))
	if c, u := l.values(comparisonTable, "other_request_id"), l.values(usageTable, "databricks_request_id"); len(c) != 1 || len(u) != 4 {
		t.Errorf("%d comparisons, %d requests", len(c), len(u))
	}
	s, err := ParseTag("team=b")
	must(t, err)
	wantClean(t, l.forget(s, Options{}))
	if v := l.files(comparisonTable); len(v) != 0 {
		t.Errorf("%d files of comparisons are left", len(v))
	}
	l.noBytes(alice)
	l.verify()
}

// A request that is forgotten by its id takes those with it that were made beside it, and their
// payloads; those made beside others stay.
func TestForgetWhatWasMadeBeside(t *testing.T) {
	for mode, left := range map[Mode]int{"": 2, Anonymize: 4} {
		l := newLake(t)
		g := l.gateway()
		var asked []*inference.Record
		for range 2 {
			r := g.call(person{bob, nil}, "shadow this")
			asked = append(asked, r)
			own := record(person{bob, nil}, "shadow this")
			own.Purpose, own.Parent = inference.PurposeShadow, r.ID
			ticket, err := g.w.Admit(own)
			must(t, err)
			must(t, g.w.Finish(ticket, answered(own), false))
		}
		wantClean(t, l.forget(Subject{RequestIDs: []string{asked[0].ID.String()}}, Options{Mode: mode}))
		if u, p := l.values(usageTable, "requester"), l.values(payloadTable, "requester"); len(u) != left || count(u, bob) != 2 || len(p) != 2 {
			t.Errorf("%q: usage of %v, payloads of %v", mode, u, p)
		}
		if v := l.values(usageTable, "parent_request_id"); count(v, asked[0].ID.String()) != 0 || count(v, asked[1].ID.String()) != 1 {
			t.Errorf("%q: made beside %v", mode, v)
		}
		l.verify()
	}
}

func TestAnonymousComparisonsKeepTheVerdict(t *testing.T) {
	l := newLake(t)
	g := l.gateway()
	asked, other := g.compare(person{alice, map[string]string{"team": "a"}})
	wantClean(t, l.forget(Subject{Requester: alice}, Options{Mode: Anonymize}))
	for column, want := range map[string]string{
		"winner": "challenger", "comparison": "a-vs-b", "requester": "NULL", "judge_reason": "NULL", "other_request_id": "NULL",
	} {
		if v := l.values(comparisonTable, column); len(v) != 1 || v[0] != want {
			t.Errorf("%s is %v, want %s", column, v, want)
		}
	}
	if v := l.values(comparisonTable, "databricks_request_id"); len(v) != 1 || v[0] == asked.ID.String() || v[0] == other.ID.String() {
		t.Errorf("the request is %v", v)
	}
	l.verify()
}
