package lvdash

import (
	"fmt"
	"strconv"
	"strings"
)

// function is one an expression may call.
type function struct {
	min, max  int // arguments
	aggregate bool
	strict    func(e *expr) error // more than the count
}

// functions are all an expression may call.
var functions = map[string]function{
	"SUM": {min: 1, max: 1, aggregate: true}, "AVG": {min: 1, max: 1, aggregate: true},
	"MIN": {min: 1, max: 1, aggregate: true}, "MAX": {min: 1, max: 1, aggregate: true},
	"COUNT": {min: 1, max: 1, aggregate: true}, "COUNT_IF": {min: 1, max: 1, aggregate: true},
	"MEDIAN": {min: 1, max: 1, aggregate: true}, "STDDEV": {min: 1, max: 1, aggregate: true},
	"ANY_VALUE":  {min: 1, max: 1, aggregate: true},
	"PERCENTILE": {min: 2, max: 2, aggregate: true, strict: percentile},
	"MEASURE":    {min: 1, max: 1, aggregate: true},
	"DATE_TRUNC": {min: 2, max: 2, strict: truncation},
	"BIN_FLOOR":  {min: 2, max: 2, strict: binWidth},
	"CONCAT":     {min: 1, max: 20},
	"COALESCE":   {min: 1, max: 20}, "NULLIF": {min: 2, max: 2}, "TRY_DIVIDE": {min: 2, max: 2},
	"IF": {min: 3, max: 3}, "IFNULL": {min: 2, max: 2}, "NVL": {min: 2, max: 2},
	"ABS": {min: 1, max: 1}, "ROUND": {min: 1, max: 2}, "FLOOR": {min: 1, max: 1}, "CEIL": {min: 1, max: 1},
	"UPPER": {min: 1, max: 1}, "LOWER": {min: 1, max: 1}, "TRIM": {min: 1, max: 1}, "LENGTH": {min: 1, max: 1},
	"YEAR": {min: 1, max: 1}, "MONTH": {min: 1, max: 1}, "DAY": {min: 1, max: 1}, "HOUR": {min: 1, max: 1},
	"GREATEST": {min: 1, max: 20}, "LEAST": {min: 1, max: 20},
}

var units = map[string]bool{
	"SECOND": true, "MINUTE": true, "HOUR": true, "DAY": true, "WEEK": true, "MONTH": true,
	"QUARTER": true, "YEAR": true,
}

func (f function) check(e *expr) error {
	if n := len(e.args); n < f.min || n > f.max {
		return fmt.Errorf("%s takes %s, not %d", e.name, f.arguments(), n)
	}
	if e.distinct && !f.aggregate {
		return fmt.Errorf("%s takes no DISTINCT", e.name)
	}
	if f.strict != nil {
		return f.strict(e)
	}
	return nil
}

func (f function) arguments() string {
	if f.min == f.max {
		return strconv.Itoa(f.min) + " arguments"
	}
	return fmt.Sprintf("%d to %d arguments", f.min, f.max)
}

func truncation(e *expr) error {
	u := e.args[0]
	if u.op != "text" || !units[strings.ToUpper(u.name)] {
		return fmt.Errorf("DATE_TRUNC needs a unit like \"DAY\" first")
	}
	return nil
}

func percentile(e *expr) error {
	n, err := strconv.ParseFloat(e.args[1].name, 64)
	if e.args[1].op != "number" || err != nil || n < 0 || n > 1 {
		return fmt.Errorf("PERCENTILE needs a number from 0 to 1 second")
	}
	return nil
}

func binWidth(e *expr) error {
	n, err := strconv.ParseFloat(e.args[1].name, 64)
	if e.args[1].op != "number" || err != nil || n <= 0 {
		return fmt.Errorf("BIN_FLOOR needs a number above 0 second")
	}
	return nil
}

// aggregate reports whether e summarises rows.
func (e *expr) aggregate() bool {
	if e.op == "call" && functions[e.name].aggregate {
		return true
	}
	for _, a := range e.args {
		if a.aggregate() {
			return true
		}
	}
	return false
}
