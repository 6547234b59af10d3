package statements

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// state is a statement's state in Databricks' words.
type state string

const (
	running   state = "RUNNING"
	succeeded state = "SUCCEEDED"
	failed    state = "FAILED"
	canceled  state = "CANCELED"
)

// The answers' shapes, in Databricks' order.
type (
	statementBody struct {
		ID       string        `json:"statement_id"`
		Status   statusBody    `json:"status"`
		Manifest *manifestBody `json:"manifest,omitempty"`
		Result   *chunkBody    `json:"result,omitempty"`
	}
	statusBody struct {
		State    state  `json:"state"`
		Fault    *fault `json:"error,omitempty"`
		SQLState string `json:"sql_state,omitempty"`
	}
	manifestBody struct {
		Format     string      `json:"format"`
		Schema     schemaBody  `json:"schema"`
		ChunkCount int         `json:"total_chunk_count"`
		Chunks     []chunkInfo `json:"chunks"`
		RowCount   int         `json:"total_row_count"`
		Truncated  bool        `json:"truncated"`
	}
	schemaBody struct {
		Count   int          `json:"column_count"`
		Columns []columnBody `json:"columns"`
	}
	columnBody struct {
		Name     string `json:"name"`
		Position int    `json:"position"`
		TypeName string `json:"type_name"`
		TypeText string `json:"type_text"`
	}
	chunkInfo struct {
		Index  int `json:"chunk_index"`
		Offset int `json:"row_offset"`
		Rows   int `json:"row_count"`
	}
	chunkBody struct {
		chunkInfo
		Next     int             `json:"next_chunk_index,omitempty"` // never the first
		NextLink string          `json:"next_chunk_internal_link,omitempty"`
		Data     json.RawMessage `json:"data_array"`
	}
)

// answer renders a statement; o is nil while it runs.
func answer(id string, o *outcome) *statementBody {
	b := &statementBody{ID: id, Status: statusBody{State: running}}
	if o == nil {
		return b
	}
	b.Status = statusBody{State: o.state, Fault: o.fault}
	if o.fault != nil {
		b.Status.SQLState = o.fault.sqlState
	}
	if o.result != nil {
		b.Manifest = o.result.manifest()
		b.Result = o.result.chunk(id, 0)
	}
	return b
}

func (r *result) manifest() *manifestBody {
	m := &manifestBody{
		Format: "JSON_ARRAY", ChunkCount: len(r.chunks), RowCount: r.rows, Truncated: r.truncated,
		Schema: schemaBody{Count: len(r.columns), Columns: make([]columnBody, len(r.columns))},
	}
	for i, c := range r.columns {
		m.Schema.Columns[i] = columnBody{Name: c.Name, Position: i, TypeName: c.TypeName, TypeText: c.TypeText}
	}
	for i, c := range r.chunks {
		m.Chunks = append(m.Chunks, chunkInfo{i, c.offset, c.rows})
	}
	return m
}

// chunk renders chunk i of the statement id; there must be one.
func (r *result) chunk(id string, i int) *chunkBody {
	c := r.chunks[i]
	b := &chunkBody{chunkInfo: chunkInfo{i, c.offset, c.rows}, Data: c.json}
	if i+1 < len(r.chunks) {
		b.Next = i + 1
		b.NextLink = statementsPath + "/" + id + "/result/chunks/" + strconv.Itoa(b.Next)
	}
	return b
}

// encode renders JSON without escaping <, > and &, which SQL is full of.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("render answer: %w", err)
	}
	return b.Bytes(), nil
}
