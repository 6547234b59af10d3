package guard

import (
	"regexp"
	"strings"

	"github.com/lakegate/lakegate/sql/ast"
)

func set(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// expressions are the classes of expression a query may hold. DEFAULT, PARAMETER (all are bound
// before), and whatever is only made by the binder are not among them.
var expressions = set(`CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA OPERATOR
	POSITIONAL_REFERENCE STAR SUBQUERY WINDOW BETWEEN`)

// structures are the kinds of query, table and modifier a query may hold.
var structures = set(`SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE
	BASE_TABLE SUBQUERY JOIN TABLE_FUNCTION EXPRESSION_LIST EMPTY PIVOT
	ORDER_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER DISTINCT_MODIFIER
	ORDER_DEFAULT ASCENDING DESCENDING`)

// types are the types a value may have or be cast to.
var types = set(`NULL BOOLEAN TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT
	FLOAT DOUBLE DECIMAL VARCHAR CHAR BLOB BIT UUID DATE TIME INTERVAL TIMESTAMP TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS LIST STRUCT
	MAP ARRAY STRING_LITERAL INTEGER_LITERAL`)

// namedTypes are types the parser leaves to be looked up by name.
var namedTypes = set(`json byte timestamp_ntz timestamp_ltz long short string variant`)

func checkType(t ast.Node) error {
	id := ast.Str(t, "id")
	info := ast.Child(t, "type_info")
	switch {
	case id == "UNBOUND":
		if !namedTypes[strings.ToLower(ast.Str(info, "name"))] || ast.Str(info, "schema") != "" || ast.Str(info, "catalog") != "" || len(ast.List(info, "user_type_modifiers")) > 0 {
			return refuse("type %s is not available", ast.Str(info, "name"))
		}
		return nil
	case !types[id] && id != "TIMESTAMP WITH TIME ZONE":
		return refuse("type %s is not available", strings.ToLower(id))
	}
	if c := ast.Child(info, "child_type"); c != nil {
		if err := checkType(c); err != nil {
			return err
		}
	}
	for _, f := range ast.List(info, "child_types") {
		field, _ := f.(ast.Node)
		if err := checkType(ast.Child(field, "second")); err != nil {
			return err
		}
	}
	return nil
}

// The bounds on constants that would make one value or one list too large to be interrupted.
const (
	maxText = 1 << 20
	maxList = 10_000_000
)

var (
	// sizeArgument is the argument that says how long a text gets.
	sizeArgument = map[string]int{"repeat": 1, "lpad": 1, "rpad": 1, "space": 0}
	seriesCalls  = set("range generate_series sequence")
	formatCalls  = set("printf format format_string")
	longNumber   = regexp.MustCompile(`[0-9]{6,}`)
)

// checkSizes refuses constants that ask for enormous values. What is not constant is left to the
// engine's limits and to the kill.
func checkSizes(name string, n ast.Node) error {
	args := ast.Args(n)
	tooLarge := &Error{TooLarge, "function " + name + ": the result would be too large"}
	if i, ok := sizeArgument[name]; ok && i < len(args) {
		if v, ok := ast.IntConst(args[i]); ok && v > maxText {
			return tooLarge
		}
	}
	if name == "array_repeat" && len(args) == 2 {
		if v, ok := ast.IntConst(args[1]); ok && v > maxList {
			return tooLarge
		}
	}
	if formatCalls[name] && len(args) > 0 {
		if s, ok := ast.StringConst(args[0]); ok && longNumber.MatchString(s) {
			return tooLarge
		}
	}
	if seriesCalls[name] && seriesLength(args) > maxList {
		return tooLarge
	}
	return nil
}

// seriesLength returns how many values a series of constants has, 0 when it is not constant.
func seriesLength(args []any) int64 {
	var v [3]int64
	if len(args) == 0 || len(args) > 3 {
		return 0
	}
	for i, a := range args {
		x, ok := ast.IntConst(a)
		if !ok || x > 1<<60 || x < -(1<<60) {
			if ok {
				return 1 << 60
			}
			return 0
		}
		v[i] = x
	}
	switch {
	case len(args) == 1:
		return v[0]
	case len(args) == 2:
		return v[1] - v[0]
	case v[2] == 0:
		return 0
	default:
		return (v[1] - v[0]) / v[2]
	}
}
