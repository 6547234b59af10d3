package statements

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/lakegate/lakegate/sql/warehouse"
)

// outcome is how a statement ended. It is immutable.
type outcome struct {
	state  state
	fault  *fault  // of failed and canceled
	result *result // of succeeded
}

// size is what the outcome is counted as while it is kept, in bytes.
func (o *outcome) size() int64 {
	n := int64(overhead)
	if o.fault != nil {
		n += int64(len(o.fault.Message))
	}
	if o.result != nil {
		n += o.result.bytes
	}
	return n
}

// result is an answer cut into chunks, each ready to send: text without a pointer per cell takes
// less room for the hour it is kept, its size is known, and rendering happens once.
type result struct {
	columns   []warehouse.Column
	chunks    []chunk // at least one
	rows      int
	truncated bool
	bytes     int64
}

// chunk is a run of rows. json is the array of their cells.
type chunk struct {
	offset, rows int
	json         json.RawMessage
}

// newResult renders an answer. It fails when ctx ends and when the answer is larger than all results
// together may be.
func newResult(ctx context.Context, res *warehouse.Result, cfg Config) (*result, error) {
	r := &result{columns: res.Columns, rows: len(res.Rows), truncated: res.Truncated}
	for _, c := range res.Columns {
		r.bytes += int64(len(c.Name) + len(c.TypeName) + len(c.TypeText))
	}
	for first := true; first || len(res.Rows) > 0; first = false {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, err := nextChunk(res.Rows, cfg)
		if err != nil {
			return nil, err
		}
		c.offset = r.rows - len(res.Rows)
		res = &warehouse.Result{Rows: res.Rows[c.rows:]}
		r.chunks = append(r.chunks, c)
		if r.bytes += int64(len(c.json)); r.bytes+overhead > cfg.MaxResultBytes {
			return nil, &fault{codeExhausted, fmt.Sprintf("the result is larger than the %d bytes that are kept; use LIMIT, row_limit or byte_limit", cfg.MaxResultBytes), "54000"}
		}
	}
	return r, nil
}

// nextChunk renders rows from the first on, at least one if there is one, until the chunk is full.
func nextChunk(rows [][]*string, cfg Config) (chunk, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('[')
	n := 0
	for n < len(rows) && n < cfg.ChunkRows && (n == 0 || b.Len() < cfg.ChunkBytes) {
		if n > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(rows[n]); err != nil {
			return chunk{}, fmt.Errorf("render row: %w", err)
		}
		b.Truncate(b.Len() - 1) // the encoder's line break
		n++
	}
	b.WriteByte(']')
	return chunk{rows: n, json: bytes.Clone(b.Bytes())}, nil // without the buffer's spare room
}
