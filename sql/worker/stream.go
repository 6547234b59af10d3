package worker

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/sql/protocol"
)

// The size of a batch of rows on the pipe.
const (
	batchRows  = 512
	batchBytes = 256 << 10
)

// stream runs a rendered query and sends its columns and rows.
func (s *session) stream(ctx context.Context, conn *sql.Conn, text string, q *protocol.Query) (*protocol.Done, error) {
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer func() { rows.Close() }()
	types, err := columnTypes(rows)
	if err != nil {
		return nil, err
	}
	if plain := withoutJSON(text, types); plain != "" {
		rows.Close()
		if rows, err = conn.QueryContext(ctx, plain); err != nil {
			return nil, err
		}
	}
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	cols := make([]protocol.Column, len(names))
	for i, t := range types {
		cols[i] = protocol.Column{Name: names[i], TypeName: t.typeName(), TypeText: t.text()}
	}
	if err := s.conn.Send(&protocol.Message{Columns: &protocol.Columns{Columns: cols}}); err != nil {
		return nil, err
	}
	return s.sendRows(ctx, rows, types, q)
}

func columnTypes(rows *sql.Rows) ([]*dataType, error) {
	ct, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	out := make([]*dataType, len(ct))
	for i, c := range ct {
		if out[i], err = parseDataType(c.DatabaseTypeName()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// withoutJSON returns the query with its JSON columns as text, "" when there are none: the driver
// would decode JSON and lose the digits of large numbers. The query runs a second time then;
// model calls are not made again.
func withoutJSON(text string, types []*dataType) string {
	found := false
	cols := make([]string, len(types))
	ids := make([]string, len(types))
	for i, t := range types {
		ids[i] = fmt.Sprintf("c%d", i)
		cols[i] = ids[i]
		if t.name == "JSON" {
			cols[i] = fmt.Sprintf("CAST(c%d AS VARCHAR) AS c%d", i, i)
			found = true
		}
	}
	if !found {
		return ""
	}
	return "SELECT " + strings.Join(cols, ", ") + " FROM (" + text + ") lg_result(" + strings.Join(ids, ", ") + ")"
}

// sendRows sends rows until the end or a limit.
func (s *session) sendRows(ctx context.Context, rows *sql.Rows, types []*dataType, q *protocol.Query) (*protocol.Done, error) {
	values := make([]any, len(types))
	targets := make([]any, len(types))
	for i := range values {
		targets[i] = &values[i]
	}
	done := &protocol.Done{}
	var batch [][]*string
	batched, sent := 0, 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := s.conn.Send(&protocol.Message{Rows: &protocol.Rows{Rows: batch}})
		batch, batched = nil, 0
		return err
	}
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		cells, size := render(types, values)
		if done.Rows >= int64(q.RowLimit) || sent+size > q.ByteLimit {
			done.Truncated = true
			break
		}
		batch = append(batch, cells)
		done.Rows++
		batched += size
		sent += size
		if len(batch) >= batchRows || batched >= batchBytes {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return done, flush()
}

// render makes a row's cells and returns their size in bytes.
func render(types []*dataType, values []any) ([]*string, int) {
	cells := make([]*string, len(values))
	size := 0
	for i, v := range values {
		if v == nil {
			size += 4
			continue
		}
		text := types[i].cell(v)
		cells[i] = &text
		size += len(text) + 3
	}
	return cells, size
}
