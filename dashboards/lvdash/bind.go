package lvdash

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// body returns the dataset's SQL with every marker bound.
func (d *Dashboard) body(ds *Dataset, b *binds, w *Widget, q Query, in Inputs) (string, error) {
	src, err := ds.source()
	if err != nil {
		return "", err
	}
	tokens, _, err := clean(src)
	if err != nil {
		return "", err
	}
	values, err := d.parameterValues(ds, w, q, in)
	if err != nil {
		return "", err
	}
	s := &binder{dataset: ds, binds: b, values: values, now: in.Now, fill: in.Values, done: map[string]string{}}
	return s.bind(tokens)
}

// parameterValues decides what each parameter of the dataset is set to: the value fixed for the
// widget, else what a filter in scope says, else its default.
func (d *Dashboard) parameterValues(ds *Dataset, w *Widget, q Query, in Inputs) (map[string]Selection, error) {
	values := map[string]Selection{}
	for _, p := range ds.Parameters {
		values[p.Keyword] = p.Default
	}
	err := d.scope(w, in, func(fw *Widget, sel Selection, set bool) error {
		if !set || sel.All || sel.IsZero() {
			return nil
		}
		for _, b := range fw.View.Filter.Bindings {
			if b.Dataset == ds.Name && b.Parameter != "" {
				values[b.Parameter] = sel
			}
		}
		return nil
	})
	for keyword, sel := range q.Fixed {
		values[keyword] = sel
	}
	return values, err
}

// binder replaces markers in a dataset's SQL.
type binder struct {
	dataset *Dataset
	binds   *binds
	values  map[string]Selection
	now     time.Time
	fill    map[string]string
	done    map[string]string // marker as written to what replaces it
}

func (s *binder) bind(tokens []token) (string, error) {
	var out strings.Builder
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch {
		case t.kind == marker:
			r, err := s.marker(t.text)
			if err != nil {
				return "", err
			}
			out.WriteString(r)
		case t.kind == template:
			v, err := s.template(t.text)
			if err != nil {
				return "", err
			}
			out.WriteString(v)
		case t.is("IDENTIFIER"):
			name, n, err := s.identifier(tokens[i+1:])
			if err != nil {
				return "", err
			}
			if n == 0 { // a column of that name
				out.WriteString(t.text)
				continue
			}
			out.WriteString(name)
			i += n
		default:
			out.WriteString(t.text)
		}
	}
	return strings.TrimSpace(out.String()), nil
}

func (s *binder) template(written string) (string, error) {
	name := strings.Trim(written, "${}")
	v, ok := s.fill[name]
	if !ok {
		return "", fmt.Errorf("it has the placeholder %s: import the file with a value for it", written)
	}
	for _, part := range strings.Split(v, ".") {
		if !namePart.MatchString(part) {
			return "", fmt.Errorf("the value of the placeholder %s is not a name: %q", written, printable(v))
		}
	}
	return v, nil
}

// lookup finds the parameter of a marker and what it is set to.
func (s *binder) lookup(keyword string) (Parameter, Selection, error) {
	p, ok := s.dataset.parameter(keyword)
	if !ok {
		for _, q := range s.dataset.Parameters {
			if strings.EqualFold(q.Keyword, keyword) {
				p, ok = q, true
			}
		}
	}
	if !ok {
		return p, Selection{}, fmt.Errorf("its query uses :%s, which it does not declare (it declares %s)", keyword, s.declared())
	}
	return p, s.values[p.Keyword], nil
}

func (s *binder) declared() string {
	var names []string
	for _, p := range s.dataset.Parameters {
		names = append(names, ":"+p.Keyword)
	}
	if len(names) == 0 {
		return "none"
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// marker returns what stands for :name, :name.min or :name.max.
func (s *binder) marker(written string) (string, error) {
	if r, ok := s.done[written]; ok {
		return r, nil
	}
	keyword, side, _ := strings.Cut(written[1:], ".")
	p, sel, err := s.lookup(keyword)
	if err != nil {
		return "", err
	}
	var r string
	switch {
	case p.Shape == Range && side == "":
		return "", fmt.Errorf("its query uses :%s, which is a range: want :%s.min or :%s.max", keyword, keyword, keyword)
	case p.Shape != Range && side != "":
		return "", fmt.Errorf("its query uses :%s, but :%s is not a range", written[1:], keyword)
	case p.Shape == Range:
		r, err = s.rangeSide(p, sel, side)
	case p.Shape == Multi:
		r, err = s.multi(p, sel)
	default:
		r, err = s.single(p, sel)
	}
	if err != nil {
		return "", fmt.Errorf("parameter %s: %w", p.Keyword, err)
	}
	s.done[written] = r
	return r, nil
}

func nullOf(p Parameter) string { return "CAST(NULL AS " + p.Type.sqlType() + ")" }

func (s *binder) single(p Parameter, sel Selection) (string, error) {
	if len(sel.Values) == 0 || sel.Values[0] == nil {
		switch {
		case sel.Text != "":
			return s.value(p, p.Keyword, sel.Text, false)
		case sel.Min != "": // a range set by a filter of another shape
			return s.value(p, p.Keyword, sel.Min, false)
		}
		return nullOf(p), nil
	}
	return s.value(p, p.Keyword, *sel.Values[0], false)
}

func (s *binder) rangeSide(p Parameter, sel Selection, side string) (string, error) {
	v := sel.Min
	if side == "max" {
		v = sel.Max
	}
	if v == "" && len(sel.Values) > 0 && sel.Values[0] != nil {
		v = *sel.Values[0] // one day chosen where a range is meant
	}
	if v == "" && (p.Type == Date || p.Type == DateTime) {
		v = map[string]string{"min": "1900-01-01", "max": "9999-12-31"}[side]
	}
	if v == "" {
		return nullOf(p), nil
	}
	return s.value(p, p.Keyword+"_"+side, v, side == "max")
}

func (s *binder) multi(p Parameter, sel Selection) (string, error) {
	if len(sel.Values) > maxChosen {
		return "", fmt.Errorf("%d values are chosen; the most is %d", len(sel.Values), maxChosen)
	}
	var xs []string
	for i, v := range sel.Values {
		if v == nil {
			xs = append(xs, nullOf(p))
			continue
		}
		x, err := s.value(p, p.Keyword+"_"+strconv.Itoa(i+1), *v, false)
		if err != nil {
			return "", err
		}
		xs = append(xs, x)
	}
	return "array(" + strings.Join(xs, ", ") + ")", nil
}

// value checks one value against the parameter's type and binds it.
func (s *binder) value(p Parameter, name, v string, end bool) (string, error) {
	switch p.Type {
	case Date, DateTime:
		t, err := resolveTime(v, s.now, end)
		if err != nil {
			return "", err
		}
		v = timeText(t, p.Type)
	case Decimal:
		n, err := numberText(v)
		if err != nil {
			return "", err
		}
		v = n
	case Integer:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		if err != nil {
			return "", fmt.Errorf("%q is not a whole number", printable(v))
		}
		v = strconv.FormatInt(n, 10)
	}
	// The name is the keyword where it can be, so that the statement reads like the file.
	if name == p.Keyword {
		delete(s.binds.taken, name)
	}
	return s.binds.named(name, v, p.Type.sqlType()), nil
}

func numberText(v string) (string, error) {
	v = strings.TrimSpace(v)
	if f, err := strconv.ParseFloat(v, 64); err != nil || f != f || f > 1e300 || f < -1e300 {
		return "", fmt.Errorf("%q is not a number", printable(v))
	}
	return v, nil
}

func skipSpace(tokens []token, i int) int {
	for i < len(tokens) && tokens[i].kind == space {
		i++
	}
	return i
}
