package datafile

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// usageBatch is rows like those of system.serving.endpoint_usage.
func usageBatch(n int) (arrow.RecordBatch, *tableschema.Table) {
	t := &tableschema.Table{PartitionBy: "request_date", Columns: []tableschema.Column{
		{Name: "request_id", Type: str},
		{Name: "requester", Type: str, NoStats: true},
		{Name: "status_code", Type: tableschema.Type{Kind: tableschema.Int}},
		{Name: "request_time", Type: at},
		{Name: "input_tokens", Type: long},
		{Name: "output_tokens", Type: long},
		{Name: "tags", Type: tableschema.StringMap()},
		{Name: "endpoint", Type: str},
		{Name: "request_date", Type: day},
		{Name: "model", Type: str},
		{Name: "latency_ms", Type: long},
		{Name: "cost", Type: tableschema.DecimalOf(18, 9)},
	}}
	rnd := rand.New(rand.NewPCG(1, 2))
	b := array.NewRecordBuilder(memory.DefaultAllocator, t.Arrow())
	defer b.Release()
	for i := range n {
		text := func(col int, s string) { b.Field(col).(*array.StringBuilder).Append(s) }
		num := func(col int, v int64) { b.Field(col).(*array.Int64Builder).Append(v) }
		text(0, fmt.Sprintf("%08x-%04x-4%03x-%016x", rnd.Uint32(), rnd.IntN(1<<16), rnd.IntN(1<<12), rnd.Uint64()))
		text(1, fmt.Sprintf("user-%d@example.com", rnd.IntN(200)))
		b.Field(2).(*array.Int32Builder).Append([]int32{200, 200, 200, 429}[rnd.IntN(4)])
		b.Field(3).(*array.TimestampBuilder).Append(arrow.Timestamp(1795000000000000 + i*1000 + rnd.IntN(1000)))
		num(4, int64(rnd.ExpFloat64()*800))
		num(5, int64(rnd.ExpFloat64()*300))
		m := b.Field(6).(*array.MapBuilder)
		m.Append(true)
		for _, tag := range []string{"team", "project"} {
			m.KeyBuilder().(*array.StringBuilder).Append(tag)
			m.ItemBuilder().(*array.StringBuilder).Append(fmt.Sprint(tag, "-", rnd.IntN(20)))
		}
		text(7, fmt.Sprint("endpoint-", rnd.IntN(5)))
		b.Field(8).(*array.Date32Builder).Append(20777)
		text(9, fmt.Sprint("gpt-", rnd.IntN(4)))
		num(10, int64(200+rnd.ExpFloat64()*1500))
		b.Field(11).(*array.Decimal128Builder).Append(decimal128.FromI64(int64(rnd.ExpFloat64() * 1e7)))
	}
	return b.NewRecordBatch(), t
}

// textBatch is rows with prompts and answers.
func textBatch(n int) (arrow.RecordBatch, *tableschema.Table) {
	t := &tableschema.Table{Columns: []tableschema.Column{
		{Name: "request_id", Type: str}, {Name: "request", Type: str, NoStats: true}, {Name: "response", Type: str, NoStats: true},
	}}
	words := strings.Fields("the quick brown fox jumps over the lazy dog while models answer questions about prices tokens latency and cost of requests")
	rnd := rand.New(rand.NewPCG(1, 2))
	b := array.NewRecordBuilder(memory.DefaultAllocator, t.Arrow())
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprint(i))
		for col := 1; col < 3; col++ {
			var s strings.Builder
			for s.Len() < 2000 {
				s.WriteString(words[rnd.IntN(len(words))] + " ")
			}
			b.Field(col).(*array.StringBuilder).Append(s.String())
		}
	}
	return b.NewRecordBatch(), t
}

func BenchmarkEncode(b *testing.B) {
	for _, c := range []struct {
		name  string
		batch func(int) (arrow.RecordBatch, *tableschema.Table)
		rows  int
		opt   Options
	}{
		{"usage/100000 rows", usageBatch, 100_000, Options{}},
		{"usage/1000 rows", usageBatch, 1000, Options{}},
		{"usage/1000 rows hot", usageBatch, 1000, Options{Compression: None}},
		{"text/5000 rows", textBatch, 5000, Options{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			batch, table := c.batch(c.rows)
			defer batch.Release()
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				f, err := Encode(batch, table, c.opt)
				if err != nil {
					b.Fatal(err)
				}
				size = len(f.Data)
			}
			b.ReportMetric(float64(c.rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(size)/float64(c.rows), "B/row")
		})
	}
}
