package lvdash

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Inputs are what the viewer chose, and when.
type Inputs struct {
	Chosen map[string]Selection // by the ID of the filter widget; absent means its own preset
	Now    time.Time            // what relative dates start from
	Values map[string]string    // what {placeholders} of dataset SQL stand for
	// Catalog and Schema, when set, replace those of every dataset.
	Catalog, Schema string
}

// Statement is one SELECT in Databricks' dialect. It has no LIMIT: whoever runs it bounds its rows.
type Statement struct {
	SQL             string
	Params          []Param
	Catalog, Schema string   // where unqualified names are looked up, "" for the default
	Columns         []string // what to keep of the result, in this order; nil keeps all of it
}

// ErrNoQuery is returned for a widget that shows no data: text, an empty tile, a filter without
// choices.
var ErrNoQuery = errors.New("the widget has no query")

// Compile writes the statement that fetches a widget's data: the rows of a chart, or the choices of
// a filter. Filters of the widget's page and of global pages apply to it. Any error but ErrNoQuery
// says, for the viewer to read, what is wrong with the file or with what was chosen.
func (d *Dashboard) Compile(w *Widget, in Inputs) (*Statement, error) {
	q, err := w.drawn()
	if err != nil {
		return nil, err
	}
	ds, ok := d.byName[q.Dataset]
	if !ok {
		return nil, fmt.Errorf("the file has no dataset %q", q.Dataset)
	}
	b := newBinds(ds)
	body, err := d.body(ds, b, w, q, in)
	if err != nil {
		return nil, fmt.Errorf("dataset %s: %w", ds.Title, err)
	}
	c := &compiler{q: q, gen: &generator{dataset: ds, binds: b}}
	if err := c.filter(d, w, ds, in); err != nil {
		return nil, err
	}
	st := &Statement{Catalog: cmp.Or(in.Catalog, ds.Catalog), Schema: cmp.Or(in.Schema, ds.Schema)}
	if c.asIs() {
		for _, f := range q.Fields {
			st.Columns = append(st.Columns, f.Name)
		}
		st.SQL = body
	} else if st.SQL, err = c.outer(body); err != nil {
		return nil, err
	}
	st.Params = b.params
	return st, nil
}

// drawn returns the query whose rows the widget shows.
func (w *Widget) drawn() (Query, error) {
	v := w.View
	if v.Broken != nil {
		return Query{}, errors.New(v.Broken.Message)
	}
	if v.Text != nil || v.Empty {
		return Query{}, ErrNoQuery
	}
	if v.Filter != nil {
		q, ok := w.query(v.Filter.ListQuery)
		if !ok || !v.Filter.Options {
			return Query{}, ErrNoQuery
		}
		return q, nil
	}
	q, ok := w.main()
	if !ok {
		return Query{}, errors.New("the widget has no query to draw")
	}
	return q, nil
}

// compiler writes the SELECT around a dataset.
type compiler struct {
	q      Query
	gen    *generator
	where  []string
	fields []compiled
}

type compiled struct {
	name, sql string
	aggregate bool
	column    string // set when the expression is just this column
}

// filter collects the predicates and the fields.
func (c *compiler) filter(d *Dashboard, w *Widget, ds *Dataset, in Inputs) error {
	for _, f := range c.q.Filters {
		s, e, err := c.gen.sql(f)
		if err != nil {
			return fmt.Errorf("filter: %w", err)
		}
		if e.aggregate() {
			return fmt.Errorf("filter %s: a filter on rows can't have an aggregate", printable(f))
		}
		c.where = append(c.where, s)
	}
	passes, err := d.predicates(c.gen, w, ds, in)
	if err != nil {
		return err
	}
	if w.View.Filter != nil {
		c.gen.passes = strings.Join(passes, " AND ") // choices are marked, not left out
	} else {
		c.where = append(c.where, passes...)
	}
	return c.compileFields()
}

func (c *compiler) compileFields() error {
	for _, f := range c.q.Fields {
		s, e, err := c.gen.sql(f.Expression)
		if err != nil {
			return fmt.Errorf("field %s: %w", printable(f.Name), err)
		}
		x := compiled{name: f.Name, sql: s, aggregate: e.aggregate()}
		if e.op == "column" && len(e.args) == 1 {
			x.column = e.args[0].name
		}
		c.fields = append(c.fields, x)
	}
	return nil
}

// asIs reports whether the dataset can run as its author wrote it, which keeps its ORDER BY.
func (c *compiler) asIs() bool {
	if len(c.where) > 0 || len(c.q.Orders) > 0 || len(c.q.Totals) > 0 {
		return false
	}
	if !c.q.Disaggregated && len(c.fields) > 0 {
		return false
	}
	for _, f := range c.fields {
		if f.column != f.name {
			return false
		}
	}
	return true
}

func (c *compiler) outer(body string) (string, error) {
	if len(c.q.Totals) > 0 {
		return c.cube(body)
	}
	var b strings.Builder
	b.WriteString("SELECT ")
	var groups []string
	summarise := !c.q.Disaggregated
	for i, f := range c.fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.sql + " AS " + quoteName(f.name))
		if summarise && !f.aggregate {
			groups = append(groups, strconv.Itoa(i+1))
		}
	}
	if len(c.fields) == 0 {
		b.WriteString("*")
	}
	b.WriteString("\nFROM (\n" + body + "\n) AS lg_data")
	c.writeWhere(&b)
	if len(groups) > 0 {
		b.WriteString("\nGROUP BY " + strings.Join(groups, ", "))
	}
	orders, err := c.orders(groups)
	if err != nil {
		return "", err
	}
	b.WriteString(orders)
	return b.String(), nil
}

func (c *compiler) writeWhere(b *strings.Builder) {
	if len(c.where) > 0 {
		b.WriteString("\nWHERE " + strings.Join(c.where, "\n  AND "))
	}
}

// orders writes the query's own sort keys; without any, the groups in their order, so that equal
// data gives equal rows.
func (c *compiler) orders(groups []string) (string, error) {
	var keys []string
	for _, o := range c.q.Orders {
		s, _, err := c.gen.sql(o.Expression)
		if err != nil {
			return "", fmt.Errorf("order: %w", err)
		}
		for i, f := range c.fields {
			if f.sql == s {
				s = strconv.Itoa(i + 1)
				break
			}
		}
		if o.Descending {
			s += " DESC"
		}
		keys = append(keys, s)
	}
	if len(keys) == 0 {
		keys = groups
	}
	if len(keys) == 0 {
		return "", nil
	}
	return "\nORDER BY " + strings.Join(keys, ", "), nil
}

// cube writes a pivot: every group, its totals over rows, over columns, and over all. Each
// dimension of the totals gets a column lg_total_N that is 1 where the row is a total over it.
func (c *compiler) cube(body string) (string, error) {
	var inner, outer strings.Builder
	inner.WriteString("SELECT *")
	name := func(i int) string { return "`lg_g" + strconv.Itoa(i) + "`" }
	index := map[string]string{}
	dims := 0
	outer.WriteString("SELECT ")
	for i, f := range c.fields {
		if i > 0 {
			outer.WriteString(", ")
		}
		if f.aggregate {
			outer.WriteString(f.sql + " AS " + quoteName(f.name))
			continue
		}
		inner.WriteString(", " + f.sql + " AS " + name(i))
		index[f.name] = name(i)
		outer.WriteString(name(i) + " AS " + quoteName(f.name))
	}
	for i, f := range c.fields {
		if !f.aggregate {
			outer.WriteString(", GROUPING(" + name(i) + ") AS `lg_total_" + strconv.Itoa(dims) + "`")
			dims++
		}
	}
	inner.WriteString("\nFROM (\n" + body + "\n) AS lg_data")
	c.writeWhere(&inner)
	sets, err := groupingSets(c.q.Totals, index)
	if err != nil {
		return "", err
	}
	return outer.String() + "\nFROM (\n" + inner.String() + "\n) AS lg_pivot\nGROUP BY GROUPING SETS (" + sets + ")", nil
}

// groupingSets writes the subsets of the groups: two groups give (both), (first), (second), ().
func groupingSets(totals [][]string, index map[string]string) (string, error) {
	const most = 4
	if len(totals) > most {
		return "", fmt.Errorf("a pivot has %d grouping sets; the most is %d", len(totals), most)
	}
	var sets []string
	seen := map[string]bool{}
	for mask := 1<<len(totals) - 1; mask >= 0; mask-- {
		var cols []string
		for i, names := range totals {
			if mask&(1<<i) == 0 {
				continue
			}
			for _, n := range names {
				col, ok := index[n]
				if !ok {
					return "", fmt.Errorf("a pivot totals the field %q, which it does not have", printable(n))
				}
				cols = append(cols, col)
			}
		}
		s := "(" + strings.Join(cols, ", ") + ")"
		if !seen[s] {
			seen[s] = true
			sets = append(sets, s)
		}
	}
	return strings.Join(sets, ", "), nil
}
