package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/lakegate/lakegate/dashboards/report"
	"github.com/lakegate/lakegate/internal/demo"
)

// demoTally is what was sent, and what of it is in the usage table.
type demoTally struct {
	before, history, shots int64 // rows of earlier runs, made-up rows, real requests
	rows, lost, duplicates int64
}

func (t *demoTally) requests() int64 { return t.before + t.history + t.shots }

// count compares every request that was sent with the rows there are.
func (t *demoTally) count(ctx context.Context, d *demoRun, sent *demo.Sent, took time.Duration) error {
	res, err := d.app.query(ctx, `SELECT databricks_request_id, client_request_id, count(*) AS n
		FROM system.serving.endpoint_usage WHERE NOT coalesce(generated, false) GROUP BY ALL`, 0)
	if err != nil {
		return fmt.Errorf("look for the requests' rows: %w", err)
	}
	byID, byClientID := map[string]int64{}, map[string]int64{}
	for _, r := range res.Rows {
		n, err := strconv.ParseInt(*r[2], 10, 64)
		if err != nil {
			return err
		}
		byID[*r[0]] += n
		if r[1] != nil {
			byClientID[*r[1]] += n
		}
	}
	t.shots = int64(len(sent.Shots))
	for _, s := range sent.Shots {
		n := byID[s.RequestID]
		if s.RequestID == "" {
			n = byClientID[s.ClientRequestID]
		}
		switch {
		case n == 0:
			t.lost++
		case n > 1:
			t.duplicates += n - 1
		}
	}
	if t.rows, err = d.app.number(ctx, `SELECT count(*) FROM system.serving.endpoint_usage`); err != nil {
		return err
	}
	missing := t.requests() - t.rows
	t.lost = max(t.lost, missing)
	t.duplicates = max(t.duplicates, -missing)
	fmt.Fprintf(d.out, "%d requests in %s; every one of them looked for in the usage table: %d lost, %d doubled\n\n",
		t.shots, took.Round(10*time.Millisecond), t.lost, t.duplicates)
	return nil
}

var demoQueries = []string{
	`SELECT usage_context['team'] AS team, count(*) AS calls, sum(cost) AS dollars FROM system.serving.endpoint_usage GROUP BY ALL ORDER BY dollars DESC`,
	`SELECT endpoint_name, outcome, status_code, count(*) AS n FROM system.serving.endpoint_usage WHERE NOT generated GROUP BY ALL ORDER BY n DESC`,
	"SELECT request_time, requester, model, left(request, 80) AS asked, left(response, 80) AS answered FROM `main`.`ai`.`chat_payload` ORDER BY request_time DESC LIMIT 5",
}

// show prints the report, and what to try next.
func (d *demoRun) show(ctx context.Context) error {
	now := time.Now().UTC()
	by, err := report.ParseBy("team")
	if err != nil {
		return err
	}
	o := report.Options{By: by, Location: time.UTC, Made: now, From: now.AddDate(0, 0, -d.days-1).Truncate(24 * time.Hour), To: now.AddDate(0, 0, 1).Truncate(24 * time.Hour)}
	r, err := report.Chargeback(ctx, reportRunner{d.app.query}, o)
	if err != nil {
		return fmt.Errorf("chargeback: %w", err)
	}
	if err := r.Write(d.out, report.Table); err != nil {
		return err
	}
	sum, err := d.app.text(ctx, `SELECT sum(cost) FROM system.serving.endpoint_usage`)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\nSELECT sum(cost) FROM system.serving.endpoint_usage  =  %s\n", sum)
	if d.once {
		return nil
	}
	fmt.Fprintf(d.out, "\nThree queries to try, in another terminal:\n\n  export %s=%s %s=%s\n\n", keyVar, d.tokens[demoAdmin], serverVar, d.app.baseURL)
	for _, q := range demoQueries {
		fmt.Fprintf(d.out, "  bin/lakegate sql \"%s\"\n\n", shellQuoted(q))
	}
	fmt.Fprintf(d.out, "The dashboard (the link signs you in, once; after that use the key above):\n\n  %s\n\nCtrl-C ends the demo.\n", d.signIn())
	return nil
}

// shellQuoted makes q safe between the double quotes of a shell.
func shellQuoted(q string) string {
	var b []byte
	for i := range len(q) {
		if c := q[i]; c == '`' || c == '$' || c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, q[i])
	}
	return string(b)
}

// verdict verifies the closed folder and prints the last line.
func (d *demoRun) verdict(ctx context.Context) error {
	r, err := verify(ctx, d.app.cfg)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if err := writeVerify(d.out, r); err != nil {
		return err
	}
	t := &d.tally
	fmt.Fprintf(d.out, "requests=%d rows=%d lost=%d duplicates=%d\n", t.requests(), t.rows, t.lost, t.duplicates)
	if !r.OK() || t.lost != 0 || t.duplicates != 0 {
		return exitError{1}
	}
	return nil
}
