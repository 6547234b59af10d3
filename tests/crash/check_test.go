package main

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

var counted = fakellm.Usage{Prompt: 10, Completion: 5, Total: 15, Cached: 2, Reasoning: 1}

// The checker itself must find each way in which a row can be wrong.
func TestLedgerFindsFaults(t *testing.T) {
	good := row{
		clientID: "a", requestID: "1", status: "200", outcome: "ok", source: "provider", streaming: "true",
		usage: [5]string{"10", "5", "15", "2", "1"},
	}
	kept := row{clientID: "a", requestID: "1", status: "200", answered: true, table: relaxed}
	whole := &attempt{id: "a", endpoint: relaxed, stream: true, usage: counted, status: 200, requestID: "1", completed: true}
	cut := &attempt{id: "a", endpoint: relaxed, stream: true, usage: counted}
	change := func(f func(*row)) []row {
		r := good
		f(&r)
		return []row{r}
	}
	for _, c := range []struct {
		name            string
		sent            *attempt
		seen            bool
		usage, payloads []row
		fault           string // "" for none
	}{
		{"all is well", whole, true, []row{good}, []row{kept}, ""},
		{"lost", whole, true, nil, nil, "has no row"},
		{"lost, though only the provider saw it", cut, true, nil, nil, "has no row"},
		{"never got there", cut, false, nil, nil, ""},
		{"double", whole, true, []row{good, change(func(r *row) { r.requestID = "2" })[0]}, []row{kept}, "two rows"},
		{"double id", whole, true, []row{good, good}, []row{kept}, "two rows"},
		{"stranger", whole, true, []row{good, {clientID: "x", requestID: "9"}}, []row{kept}, "nobody sent"},
		{"wrong tokens", whole, true, change(func(r *row) { r.usage[1] = "4" }), []row{kept}, "the provider counted"},
		{"no tokens", whole, true, change(func(r *row) { r.usage = [5]string{} }), []row{kept}, "the provider counted"},
		{"wrong outcome", whole, true, change(func(r *row) { r.outcome = "crashed" }), []row{kept}, "the row says"},
		{"wrong status", whole, true, change(func(r *row) { r.status = "" }), []row{kept}, "the row says"},
		{"wrong id", whole, true, change(func(r *row) { r.requestID = "2" }), nil, "the answer said"},
		{"no payload", whole, true, []row{good}, nil, "payload row says"},
		{"half a payload", whole, true, []row{good}, []row{{clientID: "a", requestID: "1", status: "200", table: relaxed}}, "payload row says"},
		{"payload of nothing", cut, false, nil, []row{kept}, "usage row"},
		{"payload elsewhere", whole, true, []row{good}, []row{{clientID: "a", requestID: "1", status: "200", answered: true, table: strict}}, "payload row"},
		{"crashed", cut, true, change(func(r *row) { r.outcome, r.usage, r.source = "crashed", [5]string{}, "none" }), nil, ""},
		{"crashed with made-up tokens", cut, true, change(func(r *row) { r.outcome = "crashed" }), nil, "yet has usage"},
		{"answered an error", &attempt{id: "a", status: 503, completed: true, requestID: "1"}, false, change(func(r *row) { r.status = "503" }), nil, "was answered 503"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seen []fakellm.Seen
			if c.seen {
				seen = []fakellm.Seen{{ID: c.sent.id}}
			}
			l := newLedger([]*attempt{c.sent}, seen)
			l.check(c.usage, c.payloads)
			text := strings.Join(l.faults, "\n")
			if (c.fault == "") != (text == "") || !strings.Contains(text, c.fault) {
				t.Errorf("faults %q, want %q", text, c.fault)
			}
		})
	}
}

func TestBodiesAreUnderstood(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		a := &attempt{id: "r1-1", endpoint: strict, stream: i%2 == 0}
		b := a.body(rng)
		p, err := fakellm.DefaultConfig().Plan(fakellm.Chat, b)
		if err != nil || p.Script.ID != a.id || p.Stream != a.stream || gjson.GetBytes(b, "client_request_id").Str != a.id {
			t.Fatalf("%v: %s", err, b)
		}
	}
}

func TestConfigIsAccepted(t *testing.T) {
	server := &s3test.Server{Endpoint: "http://127.0.0.1:1236"}
	for _, lake := range []string{"", bucketText(server)} {
		text := configText("127.0.0.1:1234", "/tmp/data", lake, "127.0.0.1:1235")
		cfg, err := config.Parse(text, func(string) (string, bool) { return "", false })
		if err != nil {
			t.Errorf("%v\n%s", err, text)
			continue
		}
		if bucket, prefix, ok := cfg.Lake.Bucket(); ok != (lake != "") || ok && (bucket != s3test.Bucket || prefix != "crash") {
			t.Errorf("lake in bucket %q, %q, %v\n%s", bucket, prefix, ok, text)
		}
	}
}
