package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/lakegate/lakegate/internal/launch"
)

const at = "2006-01-02 15:04:05.000000"

// ask returns the numbers of the one row of a query over the requests since began.
func (s *stage) ask(ctx context.Context, began time.Time, columns string) ([]int64, error) {
	db := launch.SQL{URL: s.url(""), Token: token}
	rows, err := db.Query(ctx, "SELECT "+columns+" FROM system.serving.endpoint_usage WHERE request_time >= TIMESTAMP '"+began.Format(at)+"'")
	if err != nil {
		return nil, err
	}
	all := make([]int64, len(rows[0]))
	for i := range all {
		if rows[0][i] == nil {
			continue // a sum of nothing
		}
		if all[i], err = strconv.ParseInt(rows[0].Text(i), 10, 64); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// streams looks at those that did not come to their end. Each has to be one whose first token its client
// had already: then there is no way to begin again. Nothing else may have failed.
func (s *stage) streams(ctx context.Context, began time.Time, sum seen) error {
	n, err := s.ask(ctx, began, `
		sum(CASE WHEN request_streaming AND outcome <> 'ok' THEN 1 ELSE 0 END),
		sum(CASE WHEN request_streaming AND outcome <> 'ok' AND time_to_first_token_ms IS NOT NULL AND size(attempts) = 1 THEN 1 ELSE 0 END),
		sum(CASE WHEN request_streaming AND outcome = 'ok' AND size(attempts) > 1 THEN 1 ELSE 0 END)`)
	if err != nil {
		return err
	}
	cut, visible, saved := n[0], n[1], n[2]
	fmt.Printf("routing: %d streams: %d lost their provider before the first token and were answered by the other, %d after it, which nobody can begin again\n",
		sum.streams.sent, saved, cut)
	switch {
	case sum.streams.sent-sum.streams.whole != cut:
		return fmt.Errorf("clients saw %d of %d streams not come to their end, the rows have %d", sum.streams.sent-sum.streams.whole, sum.streams.sent, cut)
	case cut != visible:
		return fmt.Errorf("of %d streams that broke off, only %d had shown a token and been tried once", cut, visible)
	case sum.streams.ok+sum.streams.broke != sum.streams.sent:
		return sum.streams.err()
	}
	return nil
}

// story compares the attempts on the rows with what was done: each request is one row, each failed
// attempt at the first provider is followed by one at the second, which says why; calls that found the
// circuit open say so; and nothing else is there.
func (s *stage) story(ctx context.Context, name string, began time.Time, sum seen) error {
	n, err := s.ask(ctx, began, `count(*), count(DISTINCT databricks_request_id),
		sum(CASE WHEN size(attempts) = 1 AND attempts[0].served_entity = 'first' THEN 1 ELSE 0 END),
		sum(CASE WHEN size(attempts) = 2 AND attempts[0].served_entity = 'first' AND attempts[0].action = 'CALL' AND attempts[0].error IS NOT NULL
		          AND attempts[1].served_entity = 'second' AND attempts[1].action = 'FALLBACK' AND attempts[1].why LIKE '%first%' AND attempts[1].error IS NULL AND outcome = 'ok' THEN 1 ELSE 0 END),
		sum(CASE WHEN size(attempts) = 1 AND attempts[0].served_entity = 'second' AND attempts[0].why LIKE '%circuit is open%' AND outcome = 'ok' THEN 1 ELSE 0 END),
		sum(CASE WHEN outcome <> 'ok' AND NOT request_streaming THEN 1 ELSE 0 END)`)
	if err != nil {
		return err
	}
	sent := sum.whole.sent + sum.streams.sent
	fmt.Printf("routing: %s: %d rows: %d answered by the first provider, %d by the second after the first had failed, %d by the second because the circuit was open\n",
		name, n[0], n[2], n[3], n[4])
	switch {
	case n[0] < sent || n[0] != n[1]: // more are the calls that probed at the end
		return fmt.Errorf("%d rows of %d requests, %d were sent", n[0], n[1], sent)
	case n[2]+n[3]+n[4] != n[0]:
		return fmt.Errorf("%d rows tell another story: %v", n[0]-n[2]-n[3]-n[4], n)
	case n[3] == 0 || n[4] == 0:
		return fmt.Errorf("no call needed the second provider: %v", n)
	case n[5] > 0:
		return fmt.Errorf("%d whole calls failed", n[5])
	}
	return nil
}
