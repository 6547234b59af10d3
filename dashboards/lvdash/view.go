package lvdash

import "github.com/lakegate/lakegate/dashboards/lvdash/markdown"

// View says how a widget is drawn, in one normal form for all versions of the format; its JSON is
// what the browser gets. Exactly one of the pointers is set.
type View struct {
	Title       string `json:"title,omitempty"` // empty when the file hides it
	Description string `json:"description,omitempty"`
	Center      bool   `json:"center,omitempty"` // title alignment
	Badge       string `json:"badge,omitempty"`  // what lakegate does differently from the file's wish
	Data        string `json:"-"`                // name of the query to draw, "" for main_query

	Text    *TextView `json:"text,omitempty"`
	Counter *Counter  `json:"counter,omitempty"`
	Chart   *Chart    `json:"chart,omitempty"`
	Table   *Table    `json:"table,omitempty"`
	Pivot   *Pivot    `json:"pivot,omitempty"`
	Filter  *Filter   `json:"filter,omitempty"`
	Broken  *Broken   `json:"broken,omitempty"`
	Empty   bool      `json:"empty,omitempty"` // a blank tile
}

// TextView is formatted text.
type TextView struct {
	Blocks []markdown.Node `json:"blocks"`
}

// Broken says why a widget can't be drawn.
type Broken struct {
	Message string `json:"message"`
}

// Field is a column of the result and how to show it.
type Field struct {
	Name   string  `json:"name"`
	Label  string  `json:"label"`
	Format *Format `json:"format,omitempty"`
	Agg    string  `json:"agg,omitempty"`  // sum, count, avg, count-distinct, ...: how it summarises rows
	Unit   string  `json:"unit,omitempty"` // SECOND to YEAR, of a time cut to a unit
	Bin    string  `json:"bin,omitempty"`  // width, of a number cut to bins
}

// Rule colours a value that meets a condition.
type Rule struct {
	Column     string `json:"column,omitempty"` // compared instead of the value itself
	Op         string `json:"op"`               // > >= < <= = <>
	Value      string `json:"value"`
	Color      string `json:"color,omitempty"`
	Background string `json:"background,omitempty"`
	Bold       bool   `json:"bold,omitempty"`
}

// Counter is one big number, and what it is compared with.
type Counter struct {
	Value    Field  `json:"value"`
	Row      int    `json:"row"` // of the result, from 0
	Template string `json:"template,omitempty"`
	Rules    []Rule `json:"rules,omitempty"`
	Target   *Field `json:"target,omitempty"`
	Percent  bool   `json:"percent,omitempty"` // show the change against target in percent
	Period   *Field `json:"period,omitempty"`  // value is the latest of these; the others are its trend
}

// Axis is one side of a chart.
type Axis struct {
	Fields     []Field  `json:"fields"`
	Title      string   `json:"title,omitempty"`
	HideTitle  bool     `json:"hideTitle,omitempty"`
	HideLabels bool     `json:"hideLabels,omitempty"`
	Scale      string   `json:"scale"` // temporal, quantitative, categorical
	Log        bool     `json:"log,omitempty"`
	Min        *float64 `json:"min,omitempty"`
	Max        *float64 `json:"max,omitempty"`
	Reverse    bool     `json:"reverse,omitempty"`
	Sort       *Sort    `json:"sort,omitempty"`
	Top        int      `json:"top,omitempty"` // show only so many categories
}

// Sort orders the categories of an axis.
type Sort struct {
	By     string   `json:"by"` // x, x-reversed, y, y-reversed, natural-order, natural-order-reversed, custom-order
	Values []string `json:"values,omitempty"`
}

// Color splits a measure by a field, or shades by it.
type Color struct {
	Field    *Field    `json:"field,omitempty"`
	Scale    string    `json:"scale,omitempty"`
	Mappings []Mapping `json:"mappings,omitempty"`
	Ramp     []string  `json:"ramp,omitempty"` // colours from low to high
	Legend   string    `json:"legend,omitempty"`
	Sort     *Sort     `json:"sort,omitempty"`
}

// Mapping fixes the colour of a value.
type Mapping struct {
	Value *string `json:"value"`
	Color string  `json:"color"`
}

// Chart is a drawing over axes, or a pie.
type Chart struct {
	Mark        string       `json:"mark"` // line, area, bar, pie, combo, scatter, heatmap, histogram
	X           *Axis        `json:"x,omitempty"`
	Y           *Axis        `json:"y,omitempty"`
	Y2          *Axis        `json:"y2,omitempty"`    // of a combo: drawn as lines
	Angle       *Field       `json:"angle,omitempty"` // of a pie
	Size        *Field       `json:"size,omitempty"`  // of a scatter
	Color       *Color       `json:"color,omitempty"`
	Layout      string       `json:"layout,omitempty"` // stack, group, percent-stack, layer
	Labels      bool         `json:"labels,omitempty"`
	Points      bool         `json:"points,omitempty"`
	InnerRadius float64      `json:"innerRadius,omitempty"`
	Colors      []string     `json:"colors,omitempty"`
	Extra       []Field      `json:"extra,omitempty"`
	Annotations []Annotation `json:"annotations,omitempty"`
}

// Annotation is a line across a chart.
type Annotation struct {
	Horizontal bool   `json:"horizontal,omitempty"`
	At         string `json:"at"`
	Label      string `json:"label,omitempty"`
	Color      string `json:"color,omitempty"`
}

// Column is a column of a table.
type Column struct {
	Field
	Align       string `json:"align,omitempty"`
	As          string `json:"as,omitempty"`   // string, number, datetime, json, link, image, boolean
	Link        string `json:"link,omitempty"` // template of the address, with {{ @ }} and {{ column }}
	LinkText    string `json:"linkText,omitempty"`
	Description string `json:"description,omitempty"`
	Rules       []Rule `json:"rules,omitempty"`
}

// Table shows rows. No columns means all of the result's.
type Table struct {
	Columns    []Column `json:"columns"`
	PageSize   int      `json:"pageSize,omitempty"`
	RowNumbers bool     `json:"rowNumbers,omitempty"`
}

// Pivot shows measures by rows and columns. The result has, for each dimension, a column
// lg_total_N that is 1 where the row is a total over it.
type Pivot struct {
	Rows    []Field `json:"rows"`
	Columns []Field `json:"columns"`
	Cells   []Field `json:"cells"`
}

// Filter lets the viewer choose.
type Filter struct {
	Kind       string     `json:"kind"`           // single, multi, date, date-range, number-range, text
	Type       DataType   `json:"type"`           // of the values chosen
	Options    bool       `json:"options"`        // a query lists the choices
	AllowAll   bool       `json:"allowAll"`       // "all" may be chosen
	Default    *Selection `json:"default"`        // what it shows at first; nil for nothing
	Preset     *Selection `json:"-"`              // the part of Default that is the filter's own
	Exclude    bool       `json:"exclude"`        // chosen values are left out
	Match      string     `json:"-"`              // of a text filter: contains, exact-match, starts-with
	AnyCase    bool       `json:"-"`              // of a text filter
	Sort       *Sort      `json:"sort"`           // of the choices
	Bindings   []Bound    `json:"-"`              // what it acts on
	ListQuery  string     `json:"-"`              // the query that lists choices
	ListColumn string     `json:"field"`          // its output column
	Help       string     `json:"help,omitempty"` // what is special about it
}

// Bound is one thing a filter acts on: a parameter, or else a field.
type Bound struct {
	Dataset   string
	Parameter string // keyword
	Field     string // expression
}
