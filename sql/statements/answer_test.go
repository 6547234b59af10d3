package statements

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/warehouse"
)

func TestSucceeded(t *testing.T) {
	res := &warehouse.Result{
		Columns: []warehouse.Column{
			{Name: "requester", TypeName: "STRING", TypeText: "STRING"},
			{Name: "größe <&>", TypeName: "DECIMAL", TypeText: "DECIMAL(18,9)"},
			{Name: "tags", TypeName: "MAP", TypeText: "MAP<STRING,STRING>"},
		},
		Rows: [][]*string{
			{cell("Żółw 🦆"), cell("1.500000000"), cell(`{"team":"a<b>&"}`)},
			{nil, cell(""), cell("line\nbreak \u2028 \x00")},
		},
		Truncated: true,
	}
	s := serve(t, gives(res, nil), nil)
	defer s.close()
	golden(t, "succeeded", s.run(`{"statement":"SELECT 1","warehouse_id":"some other"}`))
	golden(t, "succeeded", s.do(http.StatusOK, http.MethodGet, statementsPath+"/"+id(1), ""))
	golden(t, "succeeded", s.do(http.StatusOK, http.MethodGet, statementsPath+"/"+id(1)+"/", ""))
}

func TestNoRows(t *testing.T) {
	s := serve(t, gives(numbers(0), nil), nil)
	defer s.close()
	golden(t, "no_rows", s.run(`{"statement":"SELECT 1 WHERE false"}`))
	golden(t, "no_rows_chunk", s.do(http.StatusOK, http.MethodGet, statementsPath+"/"+id(1)+"/result/chunks/0", ""))
}

func TestChunks(t *testing.T) {
	s := serve(t, gives(numbers(5), nil), func(c *Config) { c.ChunkRows = 2 })
	defer s.close()
	golden(t, "chunks_first", s.run(`{"statement":"SELECT 1"}`))
	link := statementsPath + "/" + id(1) + "/result/chunks/"
	golden(t, "chunks_middle", s.do(http.StatusOK, http.MethodGet, link+"1", ""))
	golden(t, "chunks_last", s.do(http.StatusOK, http.MethodGet, link+"2", ""))
	for _, n := range []string{"3", "-1", "x", "99999999999999999999"} {
		s.do(http.StatusBadRequest, http.MethodGet, link+n, "")
	}
	s.as("bob", http.StatusNotFound, http.MethodGet, link+"1", "")
}

// Whatever a chunk's bounds are, following the links gives every row once and in order.
func TestChunksAddUp(t *testing.T) {
	for _, bound := range [][2]int{{1, 1}, {1, 1000}, {7, 3}, {40, 1000}, {1 << 20, 10}, {1 << 20, 1000}} {
		t.Run(fmt.Sprint(bound), func(t *testing.T) {
			s := serve(t, gives(numbers(100), nil), func(c *Config) { c.ChunkBytes, c.ChunkRows = bound[0], bound[1] })
			defer s.close()
			var b statementBody
			if err := json.Unmarshal([]byte(s.run(`{"statement":"SELECT 1"}`)), &b); err != nil {
				t.Fatal(err)
			}
			var got [][]string
			c := *b.Result
			for {
				var rows [][]string
				if err := json.Unmarshal(c.Data, &rows); err != nil {
					t.Fatal(err)
				}
				if want := b.Manifest.Chunks[c.Index]; want != c.chunkInfo || c.Offset != len(got) || c.Rows != len(rows) || c.Rows > bound[1] {
					t.Fatalf("chunk %+v with %d rows after %d, the manifest says %+v", c.chunkInfo, len(rows), len(got), want)
				}
				got = append(got, rows...)
				if c.NextLink == "" {
					break
				}
				next := s.do(http.StatusOK, http.MethodGet, c.NextLink, "")
				c = chunkBody{}
				if err := json.Unmarshal([]byte(next), &c); err != nil {
					t.Fatal(err)
				}
			}
			if len(got) != 100 || got[0][0] != "0" || got[99][0] != "99" || b.Manifest.ChunkCount != c.Index+1 {
				t.Errorf("%d rows in %d chunks of %d", len(got), c.Index+1, b.Manifest.ChunkCount)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	public := func(class protocol.Class, code apierr.Code) error {
		return apierr.New(code, "text").Because(&protocol.Failure{Class: class, Message: "text"})
	}
	for name, tt := range map[string]struct {
		err             error
		state           state
		code, sql, text string
	}{
		"syntax":      {public(protocol.Syntax, apierr.BadRequest), failed, "BAD_REQUEST", "42601", "text"},
		"place":       {&protocol.Failure{Class: protocol.Syntax, Message: "text", Line: 3, Column: 7}, failed, "BAD_REQUEST", "42601", "text (line 3, column 7)"},
		"known place": {&protocol.Failure{Class: protocol.Syntax, Message: "text (line 3, column 7)", Line: 3, Column: 7}, failed, "BAD_REQUEST", "42601", "text (line 3, column 7)"},
		"refused":     {public(protocol.Refused, apierr.PermissionDenied), failed, "BAD_REQUEST", "42501", "text"},
		"not found":   {public(protocol.NotFound, apierr.ResourceNotFound), failed, "BAD_REQUEST", "42P01", "text"},
		"unsupported": {public(protocol.Unsupported, apierr.NotImplemented), failed, "BAD_REQUEST", "0A000", "text"},
		"invalid":     {public(protocol.Invalid, apierr.BadRequest), failed, "BAD_REQUEST", "42000", "text"},
		"too large":   {public(protocol.TooLarge, apierr.TooLarge), failed, "BAD_REQUEST", "54000", "text"},
		"memory":      {public(protocol.Memory, apierr.BadRequest), failed, "RESOURCE_EXHAUSTED", "53200", "text"},
		"timeout":     {public(protocol.Timeout, apierr.UpstreamTimeout), failed, "DEADLINE_EXCEEDED", "57014", "text"},
		"cancelled":   {public(protocol.Cancelled, apierr.ClientClosed), canceled, "CANCELLED", "57014", "text"},
		"model":       {public(protocol.Model, apierr.BadRequest), failed, "BAD_REQUEST", "38000", "text"},
		"busy":        {public(protocol.Busy, apierr.Unavailable), failed, "TEMPORARILY_UNAVAILABLE", "53000", "text"},
		"internal":    {public(protocol.Internal, apierr.Internal), failed, "INTERNAL_ERROR", "XX000", "text"},
		"new class":   {public("new", apierr.Unavailable), failed, "TEMPORARILY_UNAVAILABLE", "53000", "text"},
		"public":      {fmt.Errorf("run: %w", apierr.New(apierr.UpstreamTimeout, "text")), failed, "DEADLINE_EXCEEDED", "57014", "text"},
		"other code":  {apierr.New(apierr.Conflict, "text"), failed, "INTERNAL_ERROR", "XX000", "text"},
		"private":     {errors.New("dial 10.0.0.1: secret"), failed, "INTERNAL_ERROR", "XX000", "the statement could not be run"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, gives(nil, tt.err), nil)
			defer s.close()
			var b statementBody
			if err := json.Unmarshal([]byte(s.run(`{"statement":"SELECT 1"}`)), &b); err != nil {
				t.Fatal(err)
			}
			want := statusBody{State: tt.state, Fault: &fault{Code: tt.code, Message: tt.text}, SQLState: tt.sql}
			if diff := cmp.Diff(want, b.Status, cmp.AllowUnexported(fault{})); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if logged := s.log.Len() > 0; logged != (tt.code == codeInternal) {
				t.Errorf("log: %s", s.log)
			}
		})
	}
}

// Every class of the warehouse has a place in the table.
func TestEveryClassIsMapped(t *testing.T) {
	for _, c := range []protocol.Class{
		protocol.Syntax, protocol.Refused, protocol.NotFound, protocol.Unsupported, protocol.Invalid, protocol.TooLarge,
		protocol.Memory, protocol.Timeout, protocol.Cancelled, protocol.Model, protocol.Busy, protocol.Internal,
	} {
		if m := byClass[c]; m.code == "" || len(m.sqlState) != 5 {
			t.Errorf("%s: %+v", c, m)
		}
	}
}

func TestFailed(t *testing.T) {
	s := serve(t, gives(nil, &protocol.Failure{Class: protocol.NotFound, Message: "table or view not found, or you may not read it: a.b.c"}), nil)
	defer s.close()
	golden(t, "failed", s.run(`{"statement":"SELECT * FROM a.b.c"}`))
	s.do(http.StatusBadRequest, http.MethodGet, statementsPath+"/"+id(1)+"/result/chunks/0", "")
}

func TestPanic(t *testing.T) {
	s := serve(t, fakeRunner(func(context.Context, warehouse.Query) (*warehouse.Result, error) { panic("boom") }), nil)
	defer s.close()
	body := s.run(`{"statement":"SELECT 1"}`)
	if stateIn(t, body) != failed || strings.Contains(body, "boom") || !strings.Contains(s.log.String(), "boom") {
		t.Errorf("answer %s, log %s", body, s.log)
	}
}

func TestWarehouses(t *testing.T) {
	s := serve(t, gives(nil, nil), nil)
	defer s.close()
	golden(t, "warehouses", s.do(http.StatusOK, http.MethodGet, warehousesPath, ""))
	golden(t, "warehouse", s.do(http.StatusOK, http.MethodGet, warehousesPath+"/lakegate", ""))
	s.do(http.StatusNotFound, http.MethodGet, warehousesPath+"/other", "")
}
