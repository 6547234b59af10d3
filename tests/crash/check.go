package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/launch"
)

// row is what a table says of a request.
type row struct {
	clientID, requestID, status, outcome, source string
	streaming                                    string
	usage                                        [5]string // input, output, total, cached, reasoning; "" is NULL
	table                                        string    // a payload row's endpoint
	answered                                     bool      // a payload row has a response
}

const usageQuery = "SELECT client_request_id, databricks_request_id, status_code, outcome, usage_source, request_streaming, " +
	"input_token_count, output_token_count, total_token_count, cached_input_token_count, reasoning_token_count " +
	"FROM system.serving.endpoint_usage"

func usageRows(ctx context.Context, db launch.SQL) ([]row, error) {
	got, err := db.Query(ctx, usageQuery)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	all := make([]row, len(got))
	for i, g := range got {
		all[i] = row{clientID: g.Text(0), requestID: g.Text(1), status: g.Text(2), outcome: g.Text(3), source: g.Text(4), streaming: g.Text(5)}
		for j := range all[i].usage {
			all[i].usage[j] = g.Text(6 + j)
		}
	}
	return all, nil
}

func payloadRows(ctx context.Context, db launch.SQL) ([]row, error) {
	var all []row
	for _, endpoint := range []string{relaxed, strict} {
		got, err := db.Query(ctx, "SELECT client_request_id, databricks_request_id, status_code, response IS NOT NULL FROM main.ai."+endpoint+"_payload")
		if err != nil {
			return nil, fmt.Errorf("read payloads: %w", err)
		}
		for _, g := range got {
			all = append(all, row{clientID: g.Text(0), requestID: g.Text(1), status: g.Text(2), answered: g.Text(3) == "true", table: endpoint})
		}
	}
	return all, nil
}

// ledger compares what was sent with what is there.
type ledger struct {
	sent   map[string]*attempt
	seen   map[string]bool // reached the provider
	faults []string
}

func newLedger(sent []*attempt, seen []fakellm.Seen) *ledger {
	l := &ledger{sent: map[string]*attempt{}, seen: map[string]bool{}}
	for _, a := range sent {
		l.sent[a.id] = a
	}
	for _, s := range seen {
		l.seen[s.ID] = true
	}
	return l
}

func (l *ledger) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// index orders rows by request, and reports strangers and doubles.
func (l *ledger) index(what string, rows []row) map[string]row {
	byClient, ids := map[string]row{}, map[string]bool{}
	for _, r := range rows {
		switch {
		case l.sent[r.clientID] == nil:
			l.fault("%s: row %s of client request %q, which nobody sent", what, r.requestID, r.clientID)
		case byClient[r.clientID].requestID != "":
			l.fault("%s: request %s has two rows, %s and %s", what, r.clientID, byClient[r.clientID].requestID, r.requestID)
		case ids[r.requestID] || r.requestID == "":
			l.fault("%s: id %q is on two rows, or empty", what, r.requestID)
		}
		byClient[r.clientID], ids[r.requestID] = r, true
	}
	return byClient
}

// check holds usage and payload rows to what their clients and the provider saw.
func (l *ledger) check(usage, payloads []row) {
	byUsage, byPayload := l.index("usage", usage), l.index("payload", payloads)
	for id, a := range l.sent {
		u, there := byUsage[id]
		p, kept := byPayload[id]
		// Whoever saw a status line, and the provider, is proof that the request was accepted.
		if !there && (l.seen[id] || a.status != 0) {
			l.fault("request %s has no row (status %d, completed %v, reached the provider %v)", id, a.status, a.completed, l.seen[id])
			continue
		}
		if there && a.requestID != "" && u.requestID != a.requestID {
			l.fault("request %s: the answer said %s, the row %s", id, a.requestID, u.requestID)
		}
		if kept && (!there || u.requestID != p.requestID || p.table != a.endpoint) {
			l.fault("request %s: payload row %s in %s, usage row %q", id, p.requestID, p.table, u.requestID)
		}
		switch {
		case a.completed:
			l.whole(a, u, p, kept)
		case there && u.outcome == "crashed":
			if u.usage[0] != "" || u.source != "none" {
				l.fault("request %s crashed, yet has usage %v from %s", id, u.usage, u.source)
			}
		}
	}
}

// whole holds the rows of a completed request to everything that is known of it.
func (l *ledger) whole(a *attempt, u, p row, kept bool) {
	if a.status != 200 {
		l.fault("request %s was answered %d", a.id, a.status)
		return
	}
	want := [5]int64{a.usage.Prompt, a.usage.Completion, a.usage.Total, a.usage.Cached, a.usage.Reasoning}
	for i, n := range want {
		if u.usage[i] != strconv.FormatInt(n, 10) {
			l.fault("request %s: usage %v from %s, the provider counted %v", a.id, u.usage, u.source, want)
			break
		}
	}
	if u.status != "200" || u.outcome != "ok" || u.source != "provider" || u.streaming != strconv.FormatBool(a.stream) {
		l.fault("request %s was answered whole, the row says %s, %s, usage by %s, streaming %s", a.id, u.status, u.outcome, u.source, u.streaming)
	}
	if !kept || !p.answered || p.status != "200" {
		l.fault("request %s was answered whole, its payload row says there %v, status %q, response %v", a.id, kept, p.status, p.answered)
	}
}

// count says how many rows have an outcome.
func count(rows []row, outcome string) (n int) {
	for _, r := range rows {
		if r.outcome == outcome {
			n++
		}
	}
	return n
}
