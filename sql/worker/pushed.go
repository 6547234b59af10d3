package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/prune"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/ast"
)

// filterReader turns the filters of a plan, which are text, into predicates on columns. It takes
// those shapes it knows and leaves out the others: a filter that is left out keeps rows.
type filterReader struct{ engine *engine }

// read returns what holds for the rows of a table, which the plan scans with each of the filters.
func (r *filterReader) read(ctx context.Context, t *tableschema.Table, scans [][]string) prune.Filter {
	if len(scans) == 0 {
		return nil
	}
	each := make([][]prune.Predicate, len(scans))
	for i, filters := range scans {
		for _, f := range filters {
			each[i] = append(each[i], r.one(ctx, t, f)...)
		}
	}
	return common(each)
}

// optional begins filters that the plan checks again above the scan.
const optional = "optional: "

func (r *filterReader) one(ctx context.Context, t *tableschema.Table, filter string) []prune.Predicate {
	_, statement, err := r.engine.parse(ctx, "SELECT ("+strings.TrimPrefix(filter, optional)+")")
	if err != nil {
		return nil
	}
	list := ast.List(ast.Child(statement, "node"), "select_list")
	if len(list) != 1 {
		return nil
	}
	n, _ := list[0].(ast.Node)
	return predicates(t, n)
}

// predicates returns what holds wherever an expression is true.
func predicates(t *tableschema.Table, n ast.Node) []prune.Predicate {
	args := ast.Args(n)
	switch kind := ast.Str(n, "type"); kind {
	case "CONJUNCTION_AND":
		var all []prune.Predicate
		for _, a := range args {
			c, _ := a.(ast.Node)
			all = append(all, predicates(t, c)...)
		}
		return all
	case "CONJUNCTION_OR":
		return oneOf(t, args)
	case "COMPARE_IN":
		return membership(t, args)
	case "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL":
		if len(args) != 1 {
			return nil
		}
		c, ok := columnOf(t, args[0])
		if !ok {
			return nil
		}
		return []prune.Predicate{{Column: c.Name, Op: map[bool]prune.Op{true: prune.IsNull, false: prune.NotNull}[kind == "OPERATOR_IS_NULL"]}}
	case "COLUMN_REF":
		return flag(t, n, "true")
	case "OPERATOR_NOT":
		if len(args) != 1 {
			return nil
		}
		return flag(t, args[0], "false")
	case "COMPARE_BETWEEN":
		return append(compare(t, ">=", n["input"], n["lower"]), compare(t, "<=", n["input"], n["upper"])...)
	default:
		op, ok := comparisons[kind]
		if !ok {
			return nil
		}
		if _, onLeft := columnOf(t, n["left"]); !onLeft {
			return compare(t, mirrored[op], n["right"], n["left"])
		}
		return compare(t, op, n["left"], n["right"])
	}
}

var comparisons = map[string]string{
	"COMPARE_EQUAL": "=", "COMPARE_NOTEQUAL": "<>", "COMPARE_LESSTHAN": "<", "COMPARE_GREATERTHAN": ">",
	"COMPARE_LESSTHANOREQUALTO": "<=", "COMPARE_GREATERTHANOREQUALTO": ">=",
}

var mirrored = map[string]string{"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}

var pruneOps = map[string]prune.Op{"=": prune.Eq, "<>": prune.Ne, "<": prune.Lt, "<=": prune.Le, ">": prune.Gt, ">=": prune.Ge}

func flag(t *tableschema.Table, v any, value string) []prune.Predicate {
	c, ok := columnOf(t, v)
	if n, _ := v.(ast.Node); !ok || c.Type.Kind != tableschema.Boolean || ast.Class(n) != "COLUMN_REF" {
		return nil
	}
	return []prune.Predicate{{Column: c.Name, Op: prune.Eq, Values: []string{value}}}
}

// columnOf returns the column of lg_cN, also of one that is cast to a timestamp.
func columnOf(t *tableschema.Table, v any) (tableschema.Column, bool) {
	n, _ := v.(ast.Node)
	if ast.Class(n) == "CAST" && ast.Str(ast.Child(n, "cast_type"), "id") == "TIMESTAMP" {
		c, ok := columnOf(t, n["child"])
		return c, ok && (c.Type.Kind == tableschema.Date || c.Type.Kind == tableschema.Timestamp)
	}
	names := ast.List(n, "column_names")
	if ast.Class(n) != "COLUMN_REF" || len(names) != 1 {
		return tableschema.Column{}, false
	}
	name, _ := names[0].(string)
	digits, ok := strings.CutPrefix(name, "lg_c")
	i, err := strconv.Atoi(digits)
	if !ok || err != nil || i < 0 || i >= len(t.Columns) || digits != strconv.Itoa(i) {
		return tableschema.Column{}, false
	}
	return t.Columns[i], true
}

// compare is column op constant.
func compare(t *tableschema.Table, op string, column, constant any) []prune.Predicate {
	c, ok := columnOf(t, column)
	if !ok {
		return nil
	}
	n, _ := column.(ast.Node)
	if c.Type.Kind == tableschema.Date && ast.Class(n) == "CAST" {
		return compareDay(c, op, constant)
	}
	v, ok := constantOf(c.Type, constant)
	if !ok {
		return nil
	}
	return []prune.Predicate{{Column: c.Name, Op: pruneOps[op], Values: []string{v}}}
}

// compareDay is a day compared as a timestamp: the start of the day, with one that need not be any.
func compareDay(c tableschema.Column, op string, constant any) []prune.Predicate {
	text, ok := typedText(constant, "TIMESTAMP")
	at, err := time.Parse(engineTime, text)
	if !ok || err != nil {
		return nil
	}
	midnight := at.Equal(at.Truncate(24 * time.Hour))
	switch {
	case op == "<>":
		return nil
	case op == ">=" && !midnight:
		op = ">"
	case op == "<" && !midnight:
		op = "<="
	}
	return []prune.Predicate{{Column: c.Name, Op: pruneOps[op], Values: []string{at.Format(time.DateOnly)}}}
}

// oneOf is an OR of comparisons of one column with constants, all of them by =.
func oneOf(t *tableschema.Table, args []any) []prune.Predicate {
	out := prune.Predicate{Op: prune.In}
	for _, a := range args {
		n, _ := a.(ast.Node)
		p := predicates(t, n)
		if len(p) != 1 || p[0].Op != prune.Eq && p[0].Op != prune.In || out.Column != "" && out.Column != p[0].Column {
			return nil
		}
		out.Column = p[0].Column
		out.Values = append(out.Values, p[0].Values...)
	}
	if out.Column == "" {
		return nil
	}
	return []prune.Predicate{out}
}

func membership(t *tableschema.Table, args []any) []prune.Predicate {
	if len(args) < 2 {
		return nil
	}
	c, ok := columnOf(t, args[0])
	if n, _ := args[0].(ast.Node); !ok || ast.Class(n) != "COLUMN_REF" {
		return nil
	}
	p := prune.Predicate{Column: c.Name, Op: prune.In}
	for _, a := range args[1:] {
		v, ok := constantOf(c.Type, a)
		if !ok {
			return nil
		}
		p.Values = append(p.Values, v)
	}
	return []prune.Predicate{p}
}

// How the engine writes timestamps: with as many digits as there are.
const engineTime = "2006-01-02 15:04:05.999999"

var (
	plainDate = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	plainTime = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$`)
)

// constantOf returns a constant of a column's type as package prune writes it. The engine prints
// floating-point numbers with too few digits to be compared: they are none.
func constantOf(t tableschema.Type, v any) (string, bool) {
	switch t.Kind {
	case tableschema.String:
		return ast.StringConst(v)
	case tableschema.Int, tableschema.Long:
		i, ok := ast.IntConst(v)
		return strconv.FormatInt(i, 10), ok
	case tableschema.Decimal:
		return decimalConst(v)
	case tableschema.Boolean:
		b, ok := ast.BoolConst(v)
		return strconv.FormatBool(b), ok
	case tableschema.Date:
		s, ok := typedText(v, "DATE")
		return s, ok && plainDate.MatchString(s)
	case tableschema.Timestamp:
		s, ok := typedText(v, "TIMESTAMP")
		at, err := time.Parse(engineTime, s)
		return at.Format("2006-01-02T15:04:05.000000Z"), ok && err == nil && plainTime.MatchString(s)
	default:
		return "", false
	}
}

// typedText is the text of 'text'::TYPE.
func typedText(v any, id string) (string, bool) {
	n, _ := v.(ast.Node)
	if ast.Class(n) != "CAST" || ast.Str(ast.Child(n, "cast_type"), "id") != id {
		return "", false
	}
	return ast.StringConst(n["child"])
}

// decimalConst is 0.500000000, which the parser keeps as a whole number and a scale.
func decimalConst(v any) (string, bool) {
	n, _ := v.(ast.Node)
	if a := ast.Args(n); ast.FuncName(n) == "-" && len(a) == 1 {
		s, ok := decimalConst(a[0])
		return "-" + s, ok && !strings.HasPrefix(s, "-")
	}
	if i, ok := ast.IntConst(v); ok {
		return strconv.FormatInt(i, 10), true
	}
	value := ast.Child(n, "value")
	kind := ast.Child(value, "type")
	number, isNumber := value["value"].(json.Number)
	if ast.Class(n) != "CONSTANT" || ast.Str(kind, "id") != "DECIMAL" || !isNumber {
		return "", false
	}
	scale, err := strconv.Atoi(fmt.Sprint(ast.Child(kind, "type_info")["scale"]))
	unscaled, ok := new(big.Int).SetString(number.String(), 10)
	if !ok || err != nil || scale < 0 || unscaled.Sign() < 0 {
		return "", false
	}
	digits := unscaled.String()
	for len(digits) <= scale {
		digits = "0" + digits
	}
	return strings.TrimSuffix(digits[:len(digits)-scale]+"."+digits[len(digits)-scale:], "."), true
}
