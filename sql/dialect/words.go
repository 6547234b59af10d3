package dialect

import "strings"

// wordSet makes a set of the words of a string.
func wordSet(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// notOperand are the words after which an operand begins, so that they end none.
var notOperand = wordSet(`select where and or not in then else when case by on having from between like is limit as
	distinct union all values set offset using rlike regexp ilike interval qualify except intersect exclude with lateral view
	outer join inner left right full cross semi anti natural over partition order group filter end_ escape any some div`)

func endsOperand(t token) bool {
	switch t.kind {
	case text, number, quoted, marker:
		return true
	case word:
		return !notOperand[t.low]
	default:
		return t.text == ")" || t.text == "]"
	}
}

// timeUnits are the bare unit words of DATE_TRUNC(DAY, …) and its like.
var timeUnits = wordSet(`year quarter month week day hour minute second millisecond microsecond
	years quarters months weeks days hours minutes seconds dayofyear`)

// unitCalls take a bare unit word as their first argument.
var unitCalls = wordSet(`date_trunc dateadd date_add datediff date_diff timestampadd timestampdiff`)

// castCalls are type names that Databricks also takes as functions.
var castCalls = map[string]string{
	"int": "INTEGER", "integer": "INTEGER", "bigint": "BIGINT", "long": "BIGINT", "smallint": "SMALLINT",
	"tinyint": "TINYINT", "string": "VARCHAR", "double": "DOUBLE", "float": "FLOAT", "boolean": "BOOLEAN",
	"date": "DATE", "timestamp": "TIMESTAMP", "binary": "BLOB", "decimal": "DECIMAL",
}

// keywordCalls are Databricks functions whose name DuckDB's grammar reserves.
var keywordCalls = map[string]string{
	"some": "lg_some", "any": "lg_any", "window": "lg_window", "array": "list_value", "isnull": "lg_isnull",
	"isnotnull": "lg_isnotnull", "notnull": "lg_isnotnull", "char": "chr", "overlay": "lg_overlay",
}

// nullFlagCalls take a second argument that says whether NULLs are passed over.
var nullFlagCalls = wordSet("first_value last_value first last any_value")
