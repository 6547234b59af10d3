package worker

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/lakegate/lakegate/sql/dialect"
	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/views"
)

// The columns of DESCRIBE HISTORY and DESCRIBE DETAIL, as Databricks has them.
var (
	historyColumns = columns(`version BIGINT
timestamp TIMESTAMP
userId STRING
userName STRING
operation STRING
operationParameters MAP<STRING,STRING>
job STRUCT<jobId: STRING, jobName: STRING, runId: STRING, jobOwnerId: STRING, triggerType: STRING>
notebook STRUCT<notebookId: STRING>
clusterId STRING
readVersion BIGINT
isolationLevel STRING
isBlindAppend BOOLEAN
operationMetrics MAP<STRING,STRING>
userMetadata STRING
engineInfo STRING`)
	detailColumns = columns(`format STRING
id STRING
name STRING
description STRING
location STRING
createdAt TIMESTAMP
lastModified TIMESTAMP
partitionColumns ARRAY<STRING>
clusteringColumns ARRAY<STRING>
numFiles BIGINT
sizeInBytes BIGINT
properties MAP<STRING,STRING>
minReaderVersion INT
minWriterVersion INT
tableFeatures ARRAY<STRING>
statistics MAP<STRING,BIGINT>`)
)

func columns(lines string) []protocol.Column {
	var out []protocol.Column
	for line := range strings.Lines(lines) {
		name, ty, _ := strings.Cut(strings.TrimSpace(line), " ")
		kind, _, _ := strings.Cut(ty, "<")
		if kind == "BIGINT" {
			kind = "LONG"
		}
		out = append(out, protocol.Column{Name: name, TypeName: kind, TypeText: ty})
	}
	return out
}

// tablePast answers DESCRIBE HISTORY and DESCRIBE DETAIL.
func (s *session) tablePast(ctx context.Context, st *dialect.Statement, cat *catalog) (*protocol.Done, error) {
	name, kind := cat.lookup(st.Name)
	if kind == viewTable {
		v, _ := views.Lookup(name)
		under := "it has no table"
		if len(v.Needs) > 0 {
			under = "its table is " + strings.Join(v.Needs, " and ")
		}
		return nil, &protocol.Failure{Class: protocol.Invalid, Message: name + " is a view and has no history of its own; " + under}
	}
	if kind != baseTable {
		return nil, cat.notFound(st.Name)
	}
	need := &protocol.Need{Detail: cat.readable[name]}
	if st.Kind == dialect.History {
		need = &protocol.Need{History: &protocol.History{Name: cat.readable[name], Limit: st.Limit}}
	}
	answer, err := s.need(ctx, need)
	if err != nil {
		return nil, err
	}
	if st.Kind == dialect.History {
		var rows [][]*string
		for _, c := range answer.Commits {
			rows = append(rows, commitCells(c))
		}
		return s.answerCells(historyColumns, rows)
	}
	return s.answerCells(detailColumns, [][]*string{detailCells(cat.readable[name], answer.Detail)})
}

func commitCells(c protocol.Commit) []*string {
	return []*string{
		number(c.Version), moment(c.Timestamp), nil, nil, text(c.Operation), jsonCell(c.Parameters), nil, nil, nil,
		optionalNumber(c.ReadVersion), nil, text(strconv.FormatBool(c.IsBlindAppend)), jsonCell(c.Metrics), optionalText(c.UserMetadata), optionalText(c.Engine),
	}
}

func detailCells(name string, d *protocol.Detail) []*string {
	if d == nil {
		d = &protocol.Detail{}
	}
	partitions := d.PartitionColumns
	if partitions == nil {
		partitions = []string{}
	}
	return []*string{
		text("delta"), optionalText(d.ID), text(name), optionalText(d.Description), text(d.Location), moment(d.Created), moment(d.Modified),
		jsonCell(partitions), text("[]"), number(d.Files), number(d.Bytes), jsonCell(d.Properties),
		number(int64(d.Reader)), number(int64(d.Writer)), text("[]"), text("{}"),
	}
}

func text(s string) *string { return &s }

func optionalText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func number(n int64) *string { return text(strconv.FormatInt(n, 10)) }

func optionalNumber(n *int64) *string {
	if n == nil {
		return nil
	}
	return number(*n)
}

func moment(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return text((&dataType{name: "TIMESTAMP"}).time(t))
}

// jsonCell is a list or a map as results have them.
func jsonCell(v any) *string {
	if m, ok := v.(map[string]string); ok && m == nil {
		v = map[string]string{}
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts always marshal
	}
	return text(string(b))
}
