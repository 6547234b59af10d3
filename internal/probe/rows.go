package probe

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// columns of a row of the ledger, as sent.row has them.
const (
	colID = iota
	colStatus
	colOutcome
	colInput
	colOutput
	colCost
)

const ledger = `SELECT databricks_request_id, status_code, outcome, input_token_count, output_token_count, cost_nanos FROM system.serving.endpoint_usage`

// found is what a look into a table came to.
type found struct {
	rows map[string][][]*string // by request
	err  error
}

// look asks for the rows of requests by a query's first column.
func (r *round) look(ctx context.Context, sql string, ids []string) found {
	// A call may be received a day after the round began, or on a gateway whose clock is behind.
	day := r.began.AddDate(0, 0, -1).Format(time.DateOnly)
	rows, err := r.query(ctx, fmt.Sprintf("%s WHERE request_date >= '%s' AND databricks_request_id IN ('%s')", sql, day, strings.Join(ids, "', '")))
	f := found{rows: map[string][][]*string{}, err: err}
	for _, row := range rows {
		if len(row) > 0 && row[0] != nil {
			f.rows[*row[0]] = append(f.rows[*row[0]], row)
		}
	}
	return f
}

// ids are those of the calls that have one. Nothing else gets into a query.
func (r *round) ids(which func(*sent) bool) []string {
	var ids []string
	for _, s := range r.calls {
		if uuid.Validate(s.id) == nil && which(s) {
			ids = append(ids, s.id)
		}
	}
	return ids
}

// until looks until all ids have rows, or Config.Within has passed since the last call's end.
func (r *round) until(ctx context.Context, sql string, ids []string, each func(id string, rows [][]*string, since time.Time)) error {
	ctx, cancel := context.WithTimeout(ctx, r.config.Within)
	defer cancel()
	missing := slices.Clone(ids)
	tick := time.NewTicker(r.config.Every)
	defer tick.Stop()
	for {
		f := r.look(ctx, sql, ids)
		now := time.Now()
		missing = slices.DeleteFunc(missing, func(id string) bool {
			if len(f.rows[id]) == 0 {
				return false
			}
			each(id, f.rows[id], now)
			return true
		})
		if len(missing) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return f.err
		}
	}
}

// findRows gives each call its row.
func (r *round) findRows(ctx context.Context) {
	ids := r.ids(func(*sent) bool { return true })
	if len(ids) == 0 {
		return // the checks of the answers say why
	}
	took, count := map[string]time.Duration{}, map[string]int{}
	err := r.until(ctx, ledger, ids, func(id string, rows [][]*string, at time.Time) {
		for _, s := range r.calls {
			if s.id == id {
				s.row, took[id], count[id] = rows[0], at.Sub(s.ended), len(rows)
			}
		}
	})
	if len(took) == len(ids) { // once more, for rows that came twice
		f := r.look(ctx, ledger, ids)
		for id, rows := range f.rows {
			count[id] = max(count[id], len(rows))
		}
	}
	for _, s := range r.calls {
		c := Check{Call: s.name, Name: "row", Took: took[s.id]}
		switch n := count[s.id]; {
		case s.id == "":
			continue
		case n == 0 && err != nil:
			c.Detail = "the tables could not be asked: " + err.Error()
		case n == 0:
			c.Detail = fmt.Sprintf("%s is not in system.serving.endpoint_usage after %s", s.id, r.config.Within)
		case n > 1:
			c.Detail = fmt.Sprintf("%s is there %d times", s.id, n)
		default:
			c.OK = true
			c.Detail = fmt.Sprintf("there %s after the answer", c.Took.Round(time.Millisecond))
		}
		r.checks = append(r.checks, c)
	}
}

// compare compares a call with its row.
func (r *round) compare(s *sent) {
	status, outcome := show(s.row[colStatus]), show(s.row[colOutcome])
	told := fmt.Sprintf("%s, status %s", outcome, status)
	switch s.name {
	case "error":
		r.add(s.name, "outcome", outcome == "refused" && status == strconv.Itoa(s.status), told)
		free := s.row[colInput] == nil && s.row[colOutput] == nil && s.row[colCost] == nil
		r.add(s.name, "cost", free, pick(free, "no tokens and no cost, as nobody was asked", "a call that was refused has tokens or a cost"))
		return
	case "left":
		// A provider may be done before its client has left.
		r.add(s.name, "outcome", outcome == "client_gone" || outcome == "ok", told)
		known := s.row[colInput] != nil && s.row[colOutput] != nil
		r.add(s.name, "tokens", known, pick(known, tokens(s), "unknown, though the answer is to be read on when a client leaves"))
	default:
		r.add(s.name, "outcome", outcome == "ok" && status == strconv.Itoa(s.status), told)
		r.compareTokens(s)
	}
	if !r.config.Unpriced {
		cost := s.row[colCost] != nil
		r.add(s.name, "cost", cost, pick(cost, show(s.row[colCost])+" nano-dollars", "no cost: the model has no price, or its provider told no usage"))
	}
}

func (r *round) compareTokens(s *sent) {
	if s.input == nil || s.output == nil {
		r.add(s.name, "tokens", s.row[colInput] == nil && s.row[colOutput] == nil, "the answer tells no usage; the row has "+tokens(s))
		return
	}
	equal := show(s.row[colInput]) == strconv.FormatInt(*s.input, 10) && show(s.row[colOutput]) == strconv.FormatInt(*s.output, 10)
	r.add(s.name, "tokens", equal, fmt.Sprintf("%s; the answer told %d in, %d out", tokens(s), *s.input, *s.output))
}

// findPayloads looks for what was said, in the table that keeps it.
func (r *round) findPayloads(ctx context.Context, table string) {
	ids := r.ids(func(s *sent) bool { return s.row != nil && s.name != "error" })
	if len(ids) == 0 {
		return
	}
	texts := map[string][]*string{}
	err := r.until(ctx, "SELECT databricks_request_id, request, response FROM "+table, ids, func(id string, rows [][]*string, _ time.Time) {
		texts[id] = rows[0]
	})
	for _, s := range r.calls {
		if !slices.Contains(ids, s.id) {
			continue
		}
		row := texts[s.id]
		switch {
		case row == nil && err != nil:
			r.add(s.name, "payload", false, "the table could not be asked: "+err.Error())
		case row == nil && r.sampled(ctx, table):
			r.add(s.name, "payload", true, "not among those that the endpoint's sampling keeps")
		case row == nil:
			r.add(s.name, "payload", false, fmt.Sprintf("%s is not in %s after %s", s.id, table, r.config.Within))
		default:
			has := strings.Contains(show(row[1]), r.id) && (s.name == "left" || holds(show(row[2]), s.text))
			r.add(s.name, "payload", has, pick(has, "what was asked and answered is there", "what is kept is not what was asked and answered"))
		}
	}
}

// sampled reports whether the table keeps a part of the calls only.
func (r *round) sampled(ctx context.Context, table string) bool {
	rows, err := r.query(ctx, fmt.Sprintf("SELECT min(sampling_fraction) FROM %s WHERE request_date >= '%s'", table, r.began.AddDate(0, 0, -7).Format(time.DateOnly)))
	if err != nil || len(rows) != 1 || rows[0][0] == nil {
		return false
	}
	share, err := strconv.ParseFloat(*rows[0][0], 64)
	return err == nil && share < 1
}

// holds reports whether a kept answer, JSON, has the text. Only letters count: JSON escapes the rest.
func holds(response, text string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	word, _, _ := strings.Cut(first, `"`)
	return strings.Contains(response, word)
}

func tokens(s *sent) string {
	return fmt.Sprintf("%s in, %s out", show(s.row[colInput]), show(s.row[colOutput]))
}

func show(v *string) string {
	if v == nil {
		return "NULL"
	}
	return *v
}

func pick(ok bool, yes, no string) string {
	if ok {
		return yes
	}
	return no
}
