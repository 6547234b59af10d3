package lvdash

// Dashboard is one parsed file.
type Dashboard struct {
	Datasets []*Dataset
	Pages    []*Page
	Theme    Theme
	Notes    []string // what was tolerated, for the import report
	original []byte
	byName   map[string]*Dataset
}

// Original returns the file's bytes as they were parsed. The caller must not change them.
func (d *Dashboard) Original() []byte { return d.original }

// Dataset returns the dataset that widgets call by this name.
func (d *Dashboard) Dataset(name string) (*Dataset, bool) {
	ds, ok := d.byName[name]
	return ds, ok
}

// Widget returns the widget with the ID.
func (d *Dashboard) Widget(id string) (*Widget, bool) {
	for _, p := range d.Pages {
		for _, it := range p.Items {
			if it.Widget.ID == id {
				return it.Widget, true
			}
		}
	}
	return nil, false
}

// Theme is the part of uiSettings that lakegate draws with.
type Theme struct {
	Colors []string // of series; empty for lakegate's own
}

// Dataset is a named query that widgets select from.
type Dataset struct {
	Name            string
	Title           string
	SQL             string // as written, lines joined
	Asset           string // a table to read instead of SQL
	Catalog, Schema string // where unqualified names are looked up
	Parameters      []Parameter
	Measures        []Measure // "custom calculations", used as MEASURE(`name`)
}

func (ds *Dataset) parameter(keyword string) (Parameter, bool) {
	for _, p := range ds.Parameters {
		if p.Keyword == keyword {
			return p, true
		}
	}
	return Parameter{}, false
}

// Measure is a named expression over a dataset's columns.
type Measure struct{ Name, Expression string }

// Shape is how many values a parameter holds.
type Shape int

// The shapes.
const (
	Single Shape = iota
	Range
	Multi
)

func (s Shape) String() string { return [...]string{"single", "range", "multi"}[s] }

// DataType is the type of a parameter or of a filter's values.
type DataType string

// The data types.
const (
	Text     DataType = "STRING"
	Date     DataType = "DATE"
	DateTime DataType = "DATETIME"
	Decimal  DataType = "DECIMAL"
	Integer  DataType = "INTEGER"
)

// sqlType is the SQL type a bound value of d has. Decimals travel as doubles, because a bare DECIMAL
// has no places behind the point.
func (d DataType) sqlType() string {
	switch d {
	case Date:
		return "DATE"
	case DateTime:
		return "TIMESTAMP"
	case Decimal:
		return "DOUBLE"
	case Integer:
		return "BIGINT"
	}
	return "STRING"
}

// Parameter is a :marker of a dataset's SQL.
type Parameter struct {
	Keyword string
	Title   string
	Type    DataType
	Shape   Shape
	Default Selection
}

// Selection is what a filter or parameter is set to. The zero Selection is "nothing chosen": a
// filter lets every row through, a parameter is NULL.
type Selection struct {
	Values []*string `json:"values,omitempty"` // nil entries are NULL
	Min    string    `json:"min,omitempty"`    // of a range, "" for open; dates may be relative, as now-6d/d
	Max    string    `json:"max,omitempty"`
	Text   string    `json:"text,omitempty"` // of a text filter
	All    bool      `json:"all,omitempty"`  // everything, where the default is less
}

// IsZero reports whether nothing is chosen.
func (s Selection) IsZero() bool {
	return len(s.Values) == 0 && s.Min == "" && s.Max == "" && s.Text == "" && !s.All
}

// Page is one tab, or the filters that act on every tab.
type Page struct {
	Name   string
	Title  string
	Global bool // its filters act on all pages
	Items  []Item
}

// Item is a widget and its place on a grid of 12 columns, however many the file's page has.
type Item struct {
	X, Y, W, H int
	Widget     *Widget
}

// Widget is one tile. Exactly one field of View is set.
type Widget struct {
	ID      string // unique in the dashboard: the name, with the page's where that is taken
	Name    string
	Page    *Page
	Queries []Query
	View    View
	path    string
	line    int
}

// query returns the named query.
func (w *Widget) query(name string) (Query, bool) {
	for _, q := range w.Queries {
		if q.Name == name {
			return q, true
		}
	}
	return Query{}, false
}

// main returns the query a chart draws.
func (w *Widget) main() (Query, bool) {
	if w.View.Data != "" {
		return w.query(w.View.Data)
	}
	if q, ok := w.query("main_query"); ok {
		return q, true
	}
	if len(w.Queries) > 0 {
		return w.Queries[0], true
	}
	return Query{}, false
}

// Query is what a widget asks of a dataset.
type Query struct {
	Name          string
	Dataset       string
	Fields        []QueryField
	Disaggregated bool
	Filters       []string
	Orders        []Order
	Parameters    []Binding // of a filter widget: the parameters it sets
	Fixed         map[string]Selection
	Totals        [][]string // field names of the rows and of the columns of a pivot
}

// QueryField is one output column of a query.
type QueryField struct{ Name, Expression string }

// Order is one sort key.
type Order struct {
	Expression string
	Descending bool
}

// Binding names a dataset parameter: name is what encodings call it.
type Binding struct{ Name, Keyword string }
