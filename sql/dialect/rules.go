package dialect

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/sql/ast"
)

// rule translates one call in place. Its arguments are translated already, so it builds calls
// with DuckDB's names and ours.
type rule func(t *translator, n ast.Node) error

// rules is filled by init: the rules refer to the list of functions, which is checked against them.
var rules map[string]rule

func init() {
	rules = map[string]rule{
		"~~": ruleLike("like_escape"), "!~~": ruleLike("not_like_escape"), "~~*": ruleLike("ilike_escape"), "!~~*": ruleLike("not_ilike_escape"),
		"^": to("xor"), "regexp_full_match": to("regexp_matches"),
		"log": byCount(map[int]string{1: "ln", 2: "log"}), "trunc": byCount(map[int]string{1: "trunc", 2: "lg_trunc_date"}),
		"decode": ruleDecode, "struct": ruleStruct, "named_struct": ruleNamedStruct, "map": ruleMap, "concat": ruleConcat,
		"split": ruleSplit, "regexp_extract": defaultGroup, "regexp_extract_all": defaultGroup, "regexp_replace": ruleRegexpReplace,
		"date_trunc": ruleDateTrunc, "datetrunc": ruleDateTrunc,
		"date_add": byCount(map[int]string{2: "lg_date_add", 3: "lg_dateadd"}), "dateadd": byCount(map[int]string{2: "lg_date_add", 3: "lg_dateadd"}),
		"timestampadd": to("lg_dateadd"),
		"date_format":  pattern("", "lg_strftime"), "to_char": pattern("", "lg_strftime"),
		"to_date": pattern("lg_to_date", "lg_strptime_date"), "try_to_date": pattern("lg_try_to_date", "lg_try_strptime_date"),
		"to_timestamp": pattern("lg_to_timestamp", "strptime"), "try_to_timestamp": pattern("lg_try_to_timestamp", "try_strptime"),
		"from_unixtime": pattern("lg_from_unixtime", "lg_from_unixtime"),
		"strftime":      to("lg_strftime"), "strptime": to("strptime"),
		"unix_timestamp": ruleUnixTimestamp, "to_unix_timestamp": ruleUnixTimestamp,
		"size": ruleSize, "array_size": ruleSize, "sequence": byCount(map[int]string{2: "lg_sequence", 3: "lg_sequence_step"}),
		"lg_exists": ruleExists("lg_array_any"), "exists": ruleExists("lg_array_any"), "forall": ruleExists("lg_array_all"),
		"aggregate": ruleReduce, "reduce": ruleReduce, "sort_array": ruleSortArray, "get": ruleGet,
		"from_json": ruleFromJSON, "arrays_zip": ruleZip, "variant_get": ruleVariantGet(false), "try_variant_get": ruleVariantGet(true),
		"first": ruleFirst("first"), "last": ruleFirst("last"), "any_value": ruleFirst("any_value"),
		"first_value": ruleFirst("first_value"), "last_value": ruleFirst("last_value"),
		"array_agg": ruleCollect(false), "collect_list": ruleCollect(false), "collect_set": ruleCollect(true),
		"percentile_approx": ruleApproxPercentile, "approx_percentile": ruleApproxPercentile, "approx_quantile": ruleApproxPercentile,
		"current_user":    session(func(s Session) string { return s.User }),
		"session_user":    session(func(s Session) string { return s.User }),
		"user":            session(func(s Session) string { return s.User }),
		"current_catalog": session(func(s Session) string { return s.Catalog }),
		"current_schema":  session(func(s Session) string { return s.Schema }), "current_database": session(func(s Session) string { return s.Schema }),
		"is_member": ruleMember, "is_account_group_member": ruleMember,
	}
	functions, tableFunctions = parseFunctions(functionsText)
}

func to(target string) rule {
	return func(_ *translator, n ast.Node) error {
		rename(n, target)
		return nil
	}
}

// byCount picks the target by the number of arguments.
func byCount(targets map[int]string) rule {
	return func(_ *translator, n ast.Node) error {
		target, ok := targets[len(ast.Args(n))]
		if !ok {
			return fmt.Errorf("wrong number of arguments: %d", len(ast.Args(n)))
		}
		rename(n, target)
		return nil
	}
}

func session(value func(Session) string) rule {
	return func(t *translator, n ast.Node) error {
		ast.Replace(n, ast.Text(value(t.session)))
		return nil
	}
}

func ruleMember(t *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) != 1 {
		return fmt.Errorf("takes one group name")
	}
	groups := make([]any, len(t.session.Groups))
	for i, g := range t.session.Groups {
		groups[i] = ast.Text(g)
	}
	ast.Replace(n, ast.Call("list_contains", ast.Call("list_value", groups...), a[0]))
	return nil
}

// ruleLike makes the backslash escape in patterns, as it does in Databricks without saying so.
func ruleLike(escaping string) rule {
	return func(_ *translator, n ast.Node) error {
		a := ast.Args(n)
		if p, ok := ast.StringConst(a[len(a)-1]); ok && strings.Contains(p, `\`) {
			n["children"] = append(a, ast.Text(`\`))
			rename(n, escaping)
		}
		return nil
	}
}

// ruleConcat joins with ||, which is NULL when a part is. The empty text in front of two parts
// makes text of numbers; lists are left alone.
func ruleConcat(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) == 0 {
		ast.Replace(n, ast.Text(""))
		return nil
	}
	joined := a[0]
	for _, x := range a[1:] {
		op := ast.Call("||", joined, x)
		op["is_operator"] = true
		joined = op
	}
	if len(a) == 1 {
		ast.Replace(n, ast.Cast(joined, ast.Node{"id": "VARCHAR", "type_info": nil}, false))
		return nil
	}
	ast.Replace(n, joined.(ast.Node))
	return nil
}

// ruleSplit splits by a regular expression, or plainly when a constant is none.
func ruleSplit(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) == 3 {
		if limit, ok := ast.IntConst(a[2]); !ok || limit > 0 {
			return unsupported("split with a limit is not supported yet")
		}
		n["children"] = a[:2]
	}
	rename(n, "string_split_regex")
	if s, ok := ast.StringConst(a[1]); ok && !strings.ContainsAny(s, `\.+*?()|[]{}^$`) {
		rename(n, "string_split")
	}
	return nil
}

// defaultGroup makes group 1 the default, where DuckDB takes the whole match.
func defaultGroup(_ *translator, n ast.Node) error {
	if a := ast.Args(n); len(a) == 2 {
		n["children"] = append(a, ast.Int(1))
	}
	return nil
}

// ruleRegexpReplace replaces every match and takes $1 for the first group.
func ruleRegexpReplace(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) != 3 {
		return unsupported("regexp_replace takes a text, a pattern and a replacement")
	}
	if s, ok := ast.StringConst(a[2]); ok {
		a[2] = ast.Text(dollarGroups(s))
	}
	n["children"] = append(a, ast.Text("g"))
	return nil
}

// dollarGroups turns Java's $1 into RE2's \1.
func dollarGroups(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '$' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' {
			b.WriteByte('\\')
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// ruleDecode turns decode(x, a, 1, b, 2, other) into CASE.
func ruleDecode(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) < 3 {
		return unsupported("decode of binary data is not supported yet")
	}
	var pairs []any
	rest := a[1:]
	for len(rest) >= 2 {
		pairs = append(pairs, ast.Compare("COMPARE_NOT_DISTINCT_FROM", ast.Clone(a[0]), rest[0]), rest[1])
		rest = rest[2:]
	}
	var otherwise any = ast.Null()
	if len(rest) == 1 {
		otherwise = rest[0]
	}
	ast.Replace(n, ast.Case(otherwise, pairs...))
	return nil
}

func ruleStruct(_ *translator, n ast.Node) error {
	for i, x := range ast.Args(n) {
		c, _ := x.(ast.Node)
		if ast.Str(c, "alias") != "" {
			continue
		}
		c["alias"] = fmt.Sprintf("col%d", i+1)
		if names := ast.List(c, "column_names"); ast.Class(c) == "COLUMN_REF" && len(names) > 0 {
			c["alias"] = names[len(names)-1]
		}
	}
	rename(n, "struct_pack")
	return nil
}

func ruleNamedStruct(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) == 0 || len(a)%2 != 0 {
		return fmt.Errorf("takes names and values in turn")
	}
	var fields []any
	for i := 0; i < len(a); i += 2 {
		name, ok := ast.StringConst(a[i])
		v, _ := a[i+1].(ast.Node)
		if !ok || name == "" || v == nil {
			return fmt.Errorf("field names must be constant text")
		}
		v["alias"] = name
		fields = append(fields, v)
	}
	n["children"] = fields
	rename(n, "struct_pack")
	return nil
}

// ruleMap turns map(k, v, k, v) into a map of two lists, which MAP {k: v} already is.
func ruleMap(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) == 2 && isParserList(a[0]) && isParserList(a[1]) || len(a) == 0 {
		return nil
	}
	if len(a)%2 != 0 {
		return fmt.Errorf("takes keys and values in turn")
	}
	var keys, values []any
	for i := 0; i < len(a); i += 2 {
		keys, values = append(keys, a[i]), append(values, a[i+1])
	}
	n["children"] = []any{ast.Call("list_value", keys...), ast.Call("list_value", values...)}
	return nil
}

// isParserList reports a list the parser made of [..] or of MAP {..}: it names the schema.
func isParserList(v any) bool {
	n, _ := v.(ast.Node)
	return ast.FuncName(n) == "list_value" && ast.Str(n, "schema") == "main"
}
