package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/tests/suite"
)

// columns are what an outcome may say of its row, and how SQL gives it as text.
var columns = map[string]string{
	"status_code": "status_code", "request_streaming": "request_streaming", "endpoint_name": "endpoint_name",
	"input_token_count": "input_token_count", "output_token_count": "output_token_count", "total_token_count": "total_token_count",
	"cached_input_token_count": "cached_input_token_count", "reasoning_token_count": "reasoning_token_count",
	"usage_source": "usage_source", "outcome": "outcome", "requester": "requester", "client_request_id": "client_request_id",
	"requested_model": "requested_model", "model": "model", "api_type": "api_type",
	"team": "usage_context['team']", "case": "usage_context['case']", "error_code": "error_code",
	"search_count": "search_count", "input_audio_token_count": "input_audio_token_count", "output_image_token_count": "output_image_token_count",
	"provider": "provider", "upstream_api_type": "upstream_api_type", "prompt_version": "prompt_version",
	"sdk":    "CASE WHEN user_agent LIKE '%OpenAI/%' THEN 'yes' ELSE user_agent END",
	"priced": "cost_nanos IS NOT NULL",
}

// judge holds the rows to the outcomes of one SDK.
func (g *stage) judge(ctx context.Context, s *suite.Suite, name string, all []outcome) error {
	db := launch.SQL{URL: g.url, Token: key}
	for _, o := range all {
		label := name + " " + o.Case
		g.rows += o.MoreRows
		if o.Error != "" {
			g.unclear = true
			s.Check(label, errors.New(o.Error))
			continue
		}
		if o.NoRow {
			s.Check(label, nil)
			continue
		}
		g.rows++
		err := g.rowOf(ctx, db, o)
		s.Check(label, err)
	}
	if g.unclear {
		return nil // how many requests a case made before it failed, nobody knows
	}
	n, err := db.Query(ctx, "SELECT count(*), count(DISTINCT databricks_request_id) FROM system.serving.endpoint_usage")
	if err != nil {
		return err
	}
	want := strconv.Itoa(g.rows)
	if n[0].Text(0) != want || n[0].Text(1) != want {
		err = fmt.Errorf("%s rows with %s ids, want %s: one for each request an SDK made", n[0].Text(0), n[0].Text(1), want)
	}
	s.Check(name+": one row a request", err)
	return nil
}

// rowWait bounds the wait for the row of a request whose client did not see its end.
const rowWait = 15 * time.Second

// rowOf finds the one row of an outcome and compares. A client that left does not know when its
// request's row is written, so its row is waited for.
func (g *stage) rowOf(ctx context.Context, db launch.SQL, o outcome) error {
	names := make([]string, 0, len(o.Row))
	var list []string
	for c := range o.Row {
		if columns[c] == "" {
			return fmt.Errorf("the program asks for column %q", c)
		}
		names = append(names, c)
	}
	slices.Sort(names)
	for _, c := range names {
		list = append(list, columns[c])
	}
	where := "databricks_request_id = '" + o.RequestID + "'"
	if o.RequestID == "" {
		where = "client_request_id = '" + o.ClientID + "'"
	}
	query := "SELECT " + strings.Join(list, ", ") + " FROM system.serving.endpoint_usage WHERE " + where
	for began := time.Now(); ; {
		rows, err := db.Query(ctx, query)
		if err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		if len(rows) == 1 {
			return compare(names, rows[0], o.Row)
		}
		if len(rows) > 1 || time.Since(began) > rowWait {
			return fmt.Errorf("%d rows where %s, want one", len(rows), where)
		}
	}
}

func compare(names []string, got launch.Row, want map[string]any) error {
	var wrong []string
	for i, c := range names {
		if have := got.Text(i); (want[c] == nil) != (got[i] == nil) || want[c] != nil && have != text(want[c]) {
			if got[i] == nil {
				have = "NULL"
			}
			wrong = append(wrong, fmt.Sprintf("%s is %s, want %v", c, have, want[c]))
		}
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// text is a value of JSON as SQL writes it.
func text(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
