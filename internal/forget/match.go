package forget

import (
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/rowtags"
	ts "github.com/lakegate/lakegate/internal/tableschema"
)

// Columns that say whose a row is.
const (
	idColumn   = "databricks_request_id"
	timeColumn = "request_time"
	tagsColumn = "usage_context"
	bodyColumn = "response" // only payload tables have it
)

var personColumns = []string{"requester", "created_by"}

// parentColumn has the request that a request of the gateway's own was made beside: it says the same.
const parentColumn = "parent_request_id"

// besideColumns have ids of requests that were made beside the row's own. Without one of them the
// row says nothing any more; the row's own request stays.
var besideColumns = []string{"other_request_id", "judge_request_id"}

// anonymous are the columns that lose their value in a usage row that stays: whatever leads to the
// person, and free text. Requested names are free text when there is no such endpoint.
var anonymous = []string{
	"requester", "client_request_id", tagsColumn, "key_id", "key_tags", "user_agent", "ip_address", "url",
	"error_message", "attempts", "endpoint_name", "requested_model",
	parentColumn, "other_request_id", "judge_request_id", "judge_reason",
}

// treatment is what happens to the rows of the subject in a table.
type treatment int

const (
	none      treatment = iota // the table has no column that says whose a row is
	remove                     // rows go
	anonymize                  // rows stay without the person
	blank                      // rows stay without the name: they are no requests
)

func treatmentOf(t *ts.Table, mode Mode) treatment {
	_, _, withID := t.Column(idColumn)
	_, _, withBody := t.Column(bodyColumn)
	switch {
	case !withID && has(t, personColumns...):
		return blank
	case !withID:
		return none
	case mode == Anonymize && !withBody:
		return anonymize
	default:
		return remove
	}
}

func has(t *ts.Table, names ...string) bool {
	for _, n := range names {
		if _, _, ok := t.Column(n); ok {
			return true
		}
	}
	return false
}

// matcher knows the subject's rows.
type matcher struct {
	subject Subject
	ids     ids   // rows of these requests are the subject's
	before  int64 // requests received from here on, in microseconds, are later ones; 0 for never
}

func newMatcher(s Subject) *matcher { return &matcher{subject: s, ids: idsOf(s.RequestIDs)} }

// needed is the part of the table that match reads.
func (m *matcher) needed(t *ts.Table) *ts.Table {
	part := &ts.Table{Name: t.Name}
	for _, c := range t.Columns {
		switch {
		case strings.EqualFold(c.Name, idColumn), strings.EqualFold(c.Name, timeColumn), isLink(c),
			m.subject.Requester != "" && isPerson(c), m.subject.TagKey != "" && isTags(c):
			part.Columns = append(part.Columns, c)
		}
	}
	return part
}

func isPerson(c ts.Column) bool {
	for _, n := range personColumns {
		if strings.EqualFold(c.Name, n) && c.Type.Kind == ts.String {
			return true
		}
	}
	return false
}

func isLink(c ts.Column) bool {
	return c.Type.Kind == ts.String && (strings.EqualFold(c.Name, parentColumn) ||
		slices.ContainsFunc(besideColumns, func(n string) bool { return strings.EqualFold(c.Name, n) }))
}

func isTags(c ts.Column) bool {
	t := c.Type
	return strings.EqualFold(c.Name, tagsColumn) && t.Kind == ts.Map && t.Key.Kind == ts.String && t.Elem.Kind == ts.String
}

// row is what is known of one matched row.
type row struct {
	index int
	id    [16]byte
	at    int64 // request_time in microseconds, 0 for none
	// beside: only a request made beside the row's own is the subject's.
	beside bool
}

// always is the matcher of all the subject's rows, later ones too.
func (m *matcher) always() *matcher { return &matcher{subject: m.subject, ids: m.ids} }

// anyTable is the columns that needed could ask for, for files whose table is not known.
var anyTable = &ts.Table{Columns: []ts.Column{
	{Name: idColumn, Type: ts.Type{Kind: ts.String}},
	{Name: timeColumn, Type: ts.Type{Kind: ts.Timestamp}},
	{Name: "requester", Type: ts.Type{Kind: ts.String}},
	{Name: "created_by", Type: ts.Type{Kind: ts.String}},
	{Name: tagsColumn, Type: ts.StringMap()},
	{Name: parentColumn, Type: ts.Type{Kind: ts.String}},
	{Name: "other_request_id", Type: ts.Type{Kind: ts.String}},
	{Name: "judge_request_id", Type: ts.Type{Kind: ts.String}},
}}

// match returns the subject's rows of a batch.
func (m *matcher) match(b arrow.RecordBatch) []row {
	var tests []func(i int) bool
	id, at := columnOf[*array.String](b, idColumn), columnOf[*array.Timestamp](b, timeColumn)
	tests = append(tests, m.named(b, idColumn, parentColumn)...)
	if m.subject.Requester != "" {
		for _, name := range personColumns {
			if c := columnOf[*array.String](b, name); c != nil {
				tests = append(tests, func(i int) bool { return c.IsValid(i) && c.Value(i) == m.subject.Requester })
			}
		}
	}
	if m.subject.TagKey != "" {
		if c := columnOf[*array.Map](b, tagsColumn); c != nil {
			tests = append(tests, func(i int) bool { return tagged(c, i, m.subject.TagKey, m.subject.TagValue) })
		}
	}
	own := len(tests)
	tests = append(tests, m.named(b, besideColumns...)...)
	var rows []row
	for i := range int(b.NumRows()) {
		for k, test := range tests {
			if !test(i) {
				continue
			}
			r := row{index: i, beside: k >= own}
			if id != nil {
				r.id = rowtags.ParseID(id.Value(i), id.IsNull(i))
			}
			if at != nil && at.IsValid(i) {
				r.at = int64(at.Value(i))
			}
			if m.before == 0 || r.at < m.before {
				rows = append(rows, r)
			}
			break
		}
	}
	return rows
}

// named returns a test for each of the columns that are there: whether it has the id of a request
// of the subject's.
func (m *matcher) named(b arrow.RecordBatch, columns ...string) (tests []func(i int) bool) {
	if len(m.ids) == 0 {
		return nil
	}
	for _, name := range columns {
		if c := columnOf[*array.String](b, name); c != nil {
			tests = append(tests, func(i int) bool { return c.IsValid(i) && m.ids.has(rowtags.ParseID(c.Value(i), false)) })
		}
	}
	return tests
}

func tagged(c *array.Map, i int, key, value string) bool {
	if c.IsNull(i) {
		return false
	}
	keys, ok := c.Keys().(*array.String)
	items, ok2 := c.Items().(*array.String)
	if !ok || !ok2 {
		return false
	}
	from, to := c.ValueOffsets(i)
	for j := int(from); j < int(to); j++ {
		if keys.Value(j) == key && items.IsValid(j) && items.Value(j) == value {
			return true
		}
	}
	return false
}

// columnOf returns the named column, nil when it is not there or of another type.
func columnOf[T arrow.Array](b arrow.RecordBatch, name string) (column T) {
	for i, f := range b.Schema().Fields() {
		if strings.EqualFold(f.Name, name) {
			column, _ = b.Column(i).(T)
		}
	}
	return column
}
