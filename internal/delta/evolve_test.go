package delta

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/tableschema"
)

func TestColumnsAreAdded(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		old := openOrCreate(t, store)
		appendFile(t, old, "log", 1)
		want := usage(
			tableschema.Column{Name: "cost", Type: tableschema.DecimalOf(18, 9)},
			tableschema.Column{Name: "answer", Type: tableschema.Type{Kind: tableschema.String}, NoStats: true},
		)
		want.Columns[6].Type.Fields = append(want.Columns[6].Type.Fields, tableschema.Column{Name: "region", Type: tableschema.Type{Kind: tableschema.String}})
		tbl, err := OpenOrCreate(t.Context(), store, want, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := tbl.Snapshot()
		got, err := s.Schema()
		if err != nil || got.DeltaSchema() != want.DeltaSchema() {
			t.Errorf("schema %v, %v\nwant %s", got.DeltaSchema(), err, want.DeltaSchema())
		}
		if list := s.meta.Configuration[statsColumns]; list != "request_id,tokens,config.provider,cost" {
			t.Errorf("stats columns %s", list)
		}
		if s.Version != 2 || s.NumFiles() != 1 || s.meta.ID != old.Snapshot().meta.ID {
			t.Errorf("after the change: %s", describe(s))
		}
		// The older gateway goes on, and leaves the new columns alone.
		appendFile(t, old, "log", 2)
		if s := fresh(t, store); s.Version != 3 || s.meta.SchemaString != tbl.Snapshot().meta.SchemaString {
			t.Errorf("after an append of the older: %s", describe(s))
		}
		if again, err := OpenOrCreate(t.Context(), store, usage(), Options{}); err != nil || again.Snapshot().Version != 3 {
			t.Errorf("opened by the older again: %v", err)
		}
	})
}

// A column that somebody takes away while a writer is open is added again by its next commit.
func TestLostColumnsComeBack(t *testing.T) {
	store, tbl, _ := rivals(t)
	s := tbl.Snapshot()
	m := s.meta.metadataAction
	less := usage()
	less.Columns = less.Columns[:3]
	m.SchemaString = less.DeltaSchema()
	putCommit(t, store, tbl, 1, action{Metadata: &m})
	got := appendFile(t, tbl, "log", 1)
	schema, err := got.Schema()
	if err != nil || len(schema.Columns) != len(usage().Columns) || got.Version != 2 {
		t.Errorf("schema %+v, %v", schema, err)
	}
	same(t, fresh(t, store), got)
}

// putCommit writes a version as somebody else.
func putCommit(t *testing.T, store objstore.Store, tbl *Table, version int64, actions ...action) {
	t.Helper()
	body, err := encode(actions)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Create(t.Context(), tbl.log.commitKey(version), body); err != nil {
		t.Fatal(err)
	}
}

func TestIncompatibleSchemas(t *testing.T) {
	str := tableschema.Type{Kind: tableschema.String}
	for _, c := range []struct {
		name   string
		change func(*tableschema.Table)
		want   string
	}{
		{"type", func(w *tableschema.Table) { w.Columns[2].Type = str }, "column tokens is long in the table, not string"},
		{"narrower", func(w *tableschema.Table) { w.Columns[2].Type.Kind = tableschema.Int }, "column tokens is long in the table, not integer"},
		{"of a map", func(w *tableschema.Table) { w.Columns[4].Type.Elem = &tableschema.Type{Kind: tableschema.Long} }, "column tags.element is string in the table, not long"},
		{"of a map's keys", func(w *tableschema.Table) { w.Columns[4].Type.Key = &tableschema.Type{Kind: tableschema.Long} }, "column tags.key is string in the table, not long"},
		{"of a struct", func(w *tableschema.Table) { w.Columns[6].Type.Fields[0].Type = tableschema.ListOf(str) }, "column config.provider is string in the table, not array"},
		{"case", func(w *tableschema.Table) { w.Columns[2].Name = "Tokens" }, "column Tokens is written tokens in the table"},
		{"partition", func(w *tableschema.Table) { w.PartitionBy = "" }, "partitioned by"},
		{"name", func(w *tableschema.Table) { w.Columns[2].Name = "a b" }, `"a b" can't be a column's name`},
		{"no columns", func(w *tableschema.Table) { w.Columns, w.PartitionBy = nil, "" }, "no columns"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := memstore.New()
			openOrCreate(t, store)
			want := usage()
			c.change(want)
			_, err := OpenOrCreate(t.Context(), store, want, Options{})
			if !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if s := fresh(t, store); s.Version != 0 {
				t.Errorf("a refused schema made version %d", s.Version)
			}
		})
	}
}

// What somebody else did to the table while a writer is open, and what its next append says.
func TestForeignChanges(t *testing.T) {
	swap := func(old, new string) func(*metadataAction) {
		return func(m *metadataAction) { m.SchemaString = strings.Replace(m.SchemaString, old, new, 1) }
	}
	const tokens = `"name":"tokens","type":"long","nullable":true,"metadata":{}`
	for _, c := range []struct {
		name   string
		change func(*metadataAction)
		want   string
	}{
		{"another type", swap(tokens, `"name":"tokens","type":"string","nullable":true,"metadata":{}`), "column tokens is string"},
		{"not null", swap(tokens, `"name":"tokens","type":"long","nullable":false,"metadata":{}`), "column tokens is NOT NULL"},
		{"an invariant", swap(tokens, `"name":"tokens","type":"long","nullable":true,"metadata":{"delta.invariants":"{}"}`), "column tokens has an invariant"},
		{"no NULLs in a map", swap(`"valueContainsNull":true`, `"valueContainsNull":false`), "column tags can't hold NULLs"},
		{"a column that must have values", swap(`"fields":[`, `"fields":[{"name":"x","type":"long","nullable":false,"metadata":{}},`), "column x is NOT NULL in the table, and lakegate has no values for it"},
		{"a column with a condition", swap(`"fields":[`, `"fields":[{"name":"x","type":"long","nullable":true,"metadata":{"delta.invariants":"{}"}},`), "column x has an invariant"},
		{"other partitions", func(m *metadataAction) { m.PartitionColumns = nil }, "partitioned by"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, tbl, _ := rivals(t)
			m := tbl.Snapshot().meta.metadataAction
			c.change(&m)
			if m.SchemaString == tbl.Snapshot().meta.SchemaString && len(m.PartitionColumns) > 0 {
				t.Fatal("the case changes nothing")
			}
			putCommit(t, store, tbl, 1, action{Metadata: &m})
			_, err := tbl.Append(t.Context(), []Add{file(1)}, Txn{AppID: "log", Version: 1}, nil)
			if !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if s := fresh(t, store); s.Version != 1 {
				t.Errorf("version %d, want 1", s.Version)
			}
		})
	}
}

// A protocol that another engine raised: what the table uses of it is refused, the rest is harmless.
func TestProtocolUpgrades(t *testing.T) {
	named := func(features ...string) protocol {
		return protocol{MinReaderVersion: 1, MinWriterVersion: 7, WriterFeatures: features}
	}
	both := func(features ...string) protocol {
		return protocol{MinReaderVersion: 3, MinWriterVersion: 7, ReaderFeatures: features, WriterFeatures: append(features, "appendOnly", "invariants")}
	}
	property := func(k, v string) func(*metadataAction) {
		return func(m *metadataAction) { m.Configuration = map[string]string{k: v} }
	}
	column := func(field string) func(*metadataAction) {
		return func(m *metadataAction) {
			m.SchemaString = strings.Replace(m.SchemaString, `"fields":[`, `"fields":[`+field+`,`, 1)
		}
	}
	none := func(*metadataAction) {}
	for _, c := range []struct {
		name   string
		p      protocol
		change func(*metadataAction)
		reads  bool
		want   string // "": writes, too
	}{
		{"change data feed, not on", protocol{MinReaderVersion: 1, MinWriterVersion: 4}, none, true, ""},
		{"change data feed", protocol{MinReaderVersion: 1, MinWriterVersion: 4}, property("delta.enableChangeDataFeed", "true"), true, "writer version 4 with changeDataFeed, and writing is supported up to version 2; have the engine"},
		{"constraints, none", protocol{MinReaderVersion: 1, MinWriterVersion: 3}, none, true, ""},
		{"constraints", protocol{MinReaderVersion: 1, MinWriterVersion: 3}, property("delta.constraints.positive", "tokens > 0"), true, "with checkConstraints"},
		{"generated column", protocol{MinReaderVersion: 1, MinWriterVersion: 4}, column(`{"name":"g","type":"date","nullable":true,"metadata":{"delta.generationExpression":"now()"}}`), true, "with generatedColumns"},
		{"identity column", protocol{MinReaderVersion: 1, MinWriterVersion: 6}, column(`{"name":"g","type":"long","nullable":true,"metadata":{"delta.identity.start":1}}`), true, "with identityColumns"},
		{"column mapping, not on", protocol{MinReaderVersion: 2, MinWriterVersion: 5}, none, true, ""},
		{"column mapping", protocol{MinReaderVersion: 2, MinWriterVersion: 5}, property("delta.columnMapping.mode", "name"), false, "reader version 2 and writer version 5 with columnMapping"},
		{"column mapping by name of the feature", both("columnMapping"), property("delta.columnMapping.mode", "id"), false, "with columnMapping"},
		{"named, and kept anyway", named("appendOnly", "invariants", "vacuumProtocolCheck"), none, true, ""},
		{"no features", named(), none, true, ""},
		{"row tracking", named("rowTracking", "domainMetadata"), property("delta.enableRowTracking", "true"), true, "with domainMetadata, rowTracking"},
		{"in-commit timestamps", named("inCommitTimestamp"), property("delta.enableInCommitTimestamps", "true"), true, "with inCommitTimestamp"},
		{"clustering", named("clustering"), none, true, "with clustering"},
		{"deletion vectors, not on", both("deletionVectors"), none, true, ""},
		{"deletion vectors", both("deletionVectors"), property("delta.enableDeletionVectors", "true"), true, "with deletionVectors, and writing is supported up to version 2"},
		{"timestamps without zone", both("timestampNtz"), column(`{"name":"g","type":"timestamp_ntz","nullable":true,"metadata":{}}`), true, "with timestampNtz"},
		{"timestamps without zone, none", both("timestampNtz"), none, true, ""},
		{"v2 checkpoints", both("v2Checkpoint"), none, false, "with v2Checkpoint, and reading"},
		{"type widening", both("typeWidening"), property("delta.enableTypeWidening", "true"), false, "with typeWidening"},
		{"what nobody knows yet", both("teleport"), none, false, "with teleport"},
		{"a version nobody knows yet", protocol{MinReaderVersion: 4, MinWriterVersion: 8}, none, false, "reader version 4 and writer version 8; reading is supported up to version 1"},
		{"a writer version nobody knows yet", protocol{MinReaderVersion: 1, MinWriterVersion: 8}, none, true, "writer version 8; writing is supported up to version 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, tbl, _ := rivals(t)
			m := tbl.Snapshot().meta.metadataAction
			c.change(&m)
			putCommit(t, store, tbl, 1, action{Protocol: &c.p}, action{Metadata: &m})
			s, err := tbl.Append(t.Context(), []Add{file(1)}, Txn{AppID: "log", Version: 1}, nil)
			if _, rerr := Open(t.Context(), store, tbl.Path()); (rerr == nil) != c.reads || (rerr != nil && !errors.Is(rerr, ErrProtocol)) {
				t.Errorf("open for reading: %v", rerr)
			}
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				data, _, err := encodeCheckpoint(s, time.Time{}, &zstd.Codec{})
				if err != nil {
					t.Fatal(err)
				}
				put(t, store, fmt.Sprintf("%020d.checkpoint.parquet", s.Version), string(data))
				remove(t, store, tbl, 0, s.Version-1)
				same(t, fresh(t, store), s)
				return
			}
			var p *ProtocolError
			if !errors.Is(err, ErrProtocol) || !errors.As(err, &p) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %s", err, c.want)
			}
			if p.Writing != c.reads || p.MinWriterVersion != c.p.MinWriterVersion {
				t.Errorf("error %+v", p)
			}
			if _, err := OpenOrCreate(t.Context(), store, usage(), Options{}); !errors.Is(err, ErrProtocol) {
				t.Errorf("open for writing: %v", err)
			}
			if _, err := store.Stat(t.Context(), tbl.log.commitKey(2)); !errors.Is(err, objstore.ErrNotFound) {
				t.Errorf("something was written: %v", err)
			}
		})
	}
}

// What other writers put into a schema survives a change of ours.
func TestForeignSchemaSurvives(t *testing.T) {
	const foreign = `{"type":"struct","fields":[{"name":"request_date","type":"date","nullable":true,"metadata":{}},` +
		`{"name":"score","type":"float","nullable":true,"metadata":{"owner":"me","n":[1,2]}},` +
		`{"name":"deep","type":{"type":"array","elementType":{"type":"map","keyType":"short","valueType":"binary","valueContainsNull":false},"containsNull":false},"nullable":true,"metadata":{}}]}`
	m, err := parseMetadata(metadataAction{SchemaString: foreign, PartitionColumns: []string{"request_date"}})
	if err != nil {
		t.Fatal(err)
	}
	next, err := m.evolve(usage())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(next.SchemaString, strings.TrimSuffix(foreign, "]}")) || !strings.Contains(next.SchemaString, `"name":"tokens"`) {
		t.Errorf("schema %s", next.SchemaString)
	}
	if !json.Valid([]byte(next.SchemaString)) {
		t.Error("schema is not JSON")
	}
	if _, err := m.table("t"); !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), "column score is float") {
		t.Errorf("as a table: %v", err)
	}
}
