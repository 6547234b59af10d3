package tablewriter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// The tables of the tests.
const (
	usageTable   = "system.serving.usage"
	payloadTable = "main.chat.log_payload"
	entityTable  = "system.serving.entities"
)

func typ(k tableschema.Kind) tableschema.Type { return tableschema.Type{Kind: k} }

func named(s string) tableschema.Name {
	n, err := tableschema.ParseName(s)
	if err != nil {
		panic(err)
	}
	return n
}

// usageFeed has a row for every request.
type usageFeed struct{ table *tableschema.Table }

func newUsageFeed() *usageFeed {
	return &usageFeed{&tableschema.Table{Name: named(usageTable), PartitionBy: "request_date", Columns: []tableschema.Column{
		{Name: IDColumn, Type: typ(tableschema.String)},
		{Name: "request_time", Type: typ(tableschema.Timestamp)},
		{Name: "request_date", Type: typ(tableschema.Date)},
		{Name: "outcome", Type: typ(tableschema.String)},
		{Name: "tokens", Type: typ(tableschema.Long)},
		{Name: "tags", Type: tableschema.StringMap()},
	}}}
}

func (u *usageFeed) Table(f inference.Fact) *tableschema.Table {
	if f.Record == nil {
		return nil
	}
	return u.table
}

func (u *usageFeed) Append(b *array.RecordBuilder, f inference.Fact) error {
	r := f.Record
	b.Field(0).(*array.StringBuilder).Append(r.ID.String())
	b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(r.Time.UnixMicro()))
	b.Field(2).(*array.Date32Builder).Append(arrow.Date32FromTime(r.Time))
	b.Field(3).(*array.StringBuilder).Append(string(r.Outcome))
	if r.Usage.Total == nil {
		b.Field(4).AppendNull()
	} else {
		b.Field(4).(*array.Int64Builder).Append(*r.Usage.Total)
	}
	m := b.Field(5).(*array.MapBuilder)
	m.Append(true)
	for k, v := range r.UsageContext {
		m.KeyBuilder().(*array.StringBuilder).Append(k)
		m.ItemBuilder().(*array.StringBuilder).Append(v)
	}
	switch r.ErrorCode {
	case "HALF_ROW":
		b.Field(5).(*array.MapBuilder).KeyBuilder().(*array.StringBuilder).Append("no value")
		return errors.New("half a row")
	case "TWO_VALUES":
		b.Field(4).AppendNull()
	case "PANIC":
		panic("feed")
	case "BROKEN_MAP":
		m.KeyBuilder().(*array.StringBuilder).Append("no value")
	}
	return nil
}

// payloadFeed has a row for every request with a payload table.
type payloadFeed struct{ tables map[string]*tableschema.Table }

func newPayloadFeed() *payloadFeed { return &payloadFeed{map[string]*tableschema.Table{}} }

func (p *payloadFeed) Table(f inference.Fact) *tableschema.Table {
	if f.Record == nil || f.Record.Payload.Table == "" {
		return nil
	}
	name := f.Record.Payload.Table
	if p.tables[name] == nil {
		p.tables[name] = &tableschema.Table{Name: named(name), PartitionBy: "request_date", Columns: []tableschema.Column{
			{Name: "request_date", Type: typ(tableschema.Date)},
			{Name: IDColumn, Type: typ(tableschema.String)},
			{Name: "request", Type: typ(tableschema.String), NoStats: true},
			{Name: "response", Type: typ(tableschema.String), NoStats: true},
			{Name: "logging_error_codes", Type: tableschema.ListOf(typ(tableschema.String))},
		}}
	}
	return p.tables[name]
}

func (p *payloadFeed) Append(b *array.RecordBuilder, f inference.Fact) error {
	r := f.Record
	text := func(i int, s []byte) {
		if s == nil {
			b.Field(i).AppendNull()
			return
		}
		b.Field(i).(*array.StringBuilder).Append(string(s))
	}
	b.Field(0).(*array.Date32Builder).Append(arrow.Date32FromTime(r.Time))
	text(1, []byte(r.ID.String()))
	text(2, r.Payload.Request)
	text(3, r.Payload.Response)
	l := b.Field(4).(*array.ListBuilder)
	l.Append(true)
	for _, c := range r.Payload.ErrorCodes {
		l.ValueBuilder().(*array.StringBuilder).Append(c)
	}
	return nil
}

// entityFeed has a row for every change of an entity, in a table without partitions and ids.
type entityFeed struct{ table *tableschema.Table }

func newEntityFeed() *entityFeed {
	return &entityFeed{&tableschema.Table{Name: named(entityTable), Columns: []tableschema.Column{
		{Name: "name", Type: typ(tableschema.String)}, {Name: "version", Type: typ(tableschema.Int)},
	}}}
}

func (e *entityFeed) Table(f inference.Fact) *tableschema.Table {
	if f.Entity == nil {
		return nil
	}
	return e.table
}

func (e *entityFeed) Append(b *array.RecordBuilder, f inference.Fact) error {
	b.Field(0).(*array.StringBuilder).Append(f.Entity.ServedEntityName)
	b.Field(1).(*array.Int32Builder).Append(f.Entity.ConfigVersion)
	return nil
}

// lossFeed has a row for every loss: its table, rows and reason in one text.
type lossFeed struct{ table *tableschema.Table }

const lossTable = "system.serving.lost"

func newLossFeed() *lossFeed {
	return &lossFeed{&tableschema.Table{Name: named(lossTable), Columns: []tableschema.Column{{Name: "what", Type: typ(tableschema.String)}}}}
}

func (l *lossFeed) Table(f inference.Fact) *tableschema.Table {
	if f.Loss == nil {
		return nil
	}
	return l.table
}

func (l *lossFeed) Append(b *array.RecordBuilder, f inference.Fact) error {
	b.Field(0).(*array.StringBuilder).Append(lossOf(f.Loss.Table, int(f.Loss.Rows), f.Loss.Reason))
	return nil
}

func lossOf(table string, rows int, why inference.LossReason) string {
	return fmt.Sprintf("%s %d %s", table, rows, why)
}

func testFeeds() []Feed {
	return []Feed{newUsageFeed(), newPayloadFeed(), newEntityFeed(), newLossFeed()}
}

// day is when the requests of the tests were made.
var day = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// request returns a record as it is at admission.
func request(payload string) *inference.Record {
	r := &inference.Record{
		ID: inference.NewID(), Time: day, URL: "/v1/chat/completions", UsageContext: map[string]string{"team": "search"},
		Target: inference.Target{Endpoint: "chat"},
	}
	if payload != "" {
		r.Payload = inference.Payload{Table: payloadTable, SamplingFraction: 1, Request: []byte(payload)}
	}
	return r
}

// answered returns the record with an outcome.
func answered(r *inference.Record, tokens int64) *inference.Record {
	done := *r
	done.Status, done.Outcome = 200, inference.OK
	done.Usage = inference.Usage{Source: inference.UsageProvider, Total: &tokens}
	if done.Payload.Table != "" {
		done.Payload.Response = []byte("answer to " + string(r.Payload.Request))
	}
	return &done
}

// overlapping fails the test when feeds are called at the same time.
type overlapping struct {
	Feed
	t    testing.TB
	busy *atomic.Bool
}

func (o overlapping) enter() func() {
	if !o.busy.CompareAndSwap(false, true) {
		o.t.Error("feeds are called at the same time")
	}
	return func() { o.busy.Store(false) }
}

func (o overlapping) Table(f inference.Fact) *tableschema.Table {
	defer o.enter()()
	return o.Feed.Table(f)
}

func (o overlapping) Append(b *array.RecordBuilder, f inference.Fact) error {
	defer o.enter()()
	return o.Feed.Append(b, f)
}

// checkedFeeds are the test feeds, with a check that they are called one at a time.
func checkedFeeds(t testing.TB) []Feed {
	busy := new(atomic.Bool)
	var list []Feed
	for _, f := range testFeeds() {
		list = append(list, overlapping{f, t, busy})
	}
	return list
}

// counts renders how often each id is there, sorted, with only the ones that are not there once
// spelled out.
func counts(ids []string) (distinct int, odd string) {
	n := map[string]int{}
	for _, id := range ids {
		n[id]++
	}
	var more []string
	for id, c := range n {
		if c != 1 {
			more = append(more, fmt.Sprintf("%s x%d", id, c))
		}
	}
	slices.Sort(more)
	return len(n), strings.Join(more, ", ")
}
