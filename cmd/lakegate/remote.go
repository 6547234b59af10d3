package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/lakegate/lakegate/sql/warehouse"
)

// remote is a running gateway, asked through its statement API.
type remote struct {
	base, key string
	timeout   time.Duration
}

// statement is what of the statement API's answers is used; databricks' documentation of "Statement
// Execution" has the whole shape.
type statement struct {
	ID     string `json:"statement_id"`
	Status struct {
		State string `json:"state"`
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	} `json:"status"`
	Manifest struct {
		Schema struct {
			Columns []struct {
				Name     string `json:"name"`
				TypeName string `json:"type_name"`
				TypeText string `json:"type_text"`
			} `json:"columns"`
		} `json:"schema"`
		Truncated bool `json:"truncated"`
	} `json:"manifest"`
	Result statementChunk `json:"result"`

	Message string `json:"message"` // of an HTTP error
}

type statementChunk struct {
	Rows    [][]*string `json:"data_array"`
	Next    string      `json:"next_chunk_internal_link"`
	Message string      `json:"message"`
}

func (r *remote) close() error { return nil }

func (r *remote) query(ctx context.Context, sql string, rows int) (*warehouse.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	began := time.Now()
	body := map[string]any{"statement": sql, "warehouse_id": "lakegate", "wait_timeout": "30s"}
	if rows > 0 {
		body["row_limit"] = rows
	}
	var s statement
	if err := r.call(ctx, http.MethodPost, "/api/2.0/sql/statements", body, &s); err != nil {
		return nil, err
	}
	for s.Status.State == "PENDING" || s.Status.State == "RUNNING" {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the query takes longer than %s", r.timeout)
		case <-time.After(200 * time.Millisecond):
		}
		if err := r.call(ctx, http.MethodGet, "/api/2.0/sql/statements/"+s.ID, nil, &s); err != nil {
			return nil, err
		}
	}
	if s.Status.State != "SUCCEEDED" {
		return nil, fmt.Errorf("%s", s.Status.Error.Message)
	}
	out := &warehouse.Result{Rows: s.Result.Rows, Truncated: s.Manifest.Truncated}
	for _, c := range s.Manifest.Schema.Columns {
		out.Columns = append(out.Columns, warehouse.Column{Name: c.Name, TypeName: c.TypeName, TypeText: c.TypeText})
	}
	for next := s.Result.Next; next != ""; {
		var c statementChunk
		if err := r.call(ctx, http.MethodGet, next, nil, &c); err != nil {
			return nil, err
		}
		out.Rows = append(out.Rows, c.Rows...)
		next = c.Next
	}
	out.Elapsed = time.Since(began)
	return out, nil
}

// call sends one request and decodes the answer; an HTTP error becomes its message.
func (r *remote) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(r.base, "/")+path, body)
	if err != nil {
		return fmt.Errorf("--server %q: %w", r.base, err)
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the gateway at %s: %w", r.base, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 256<<20))
	if err != nil {
		return fmt.Errorf("ask the gateway at %s: %w", r.base, err)
	}
	if resp.StatusCode/100 != 2 {
		var e struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(raw, &e) != nil || e.Message == "" {
			e.Message = strings.TrimSpace(string(raw[:min(len(raw), 200)]))
		}
		return fmt.Errorf("the gateway at %s answered %s: %s", r.base, resp.Status, e.Message)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("the gateway at %s answered something else than JSON: %w", r.base, err)
	}
	return nil
}
