package worker

import (
	"regexp"
	"strings"

	"github.com/lakegate/lakegate/sql/aifunc"
	"github.com/lakegate/lakegate/sql/ast"
	"github.com/lakegate/lakegate/sql/dialect"
	"github.com/lakegate/lakegate/sql/guard"
)

// outerPolicy is for what people write.
func outerPolicy(prefix string) guard.Policy {
	return guard.Policy{
		CTEPrefix:  prefix,
		TimeTravel: true,
		Function: func(name string) bool {
			_, ok := dialect.LookupFunction(name)
			return ok || name == aifunc.Name
		},
		TableFunction: func(name string, _ ast.Node) (allowed, trusted bool) {
			_, ok := dialect.LookupTableFunction(name)
			return ok, false
		},
	}
}

// innerPolicy is for what we render: functions people may call, those they are translated to, and
// read_parquet over a list of files that we set ourselves.
var innerPolicy = guard.Policy{
	CTEPrefix: "lgcheck",
	Function:  func(name string) bool { return innerFunctions[name] },
	TableFunction: func(name string, call ast.Node) (allowed, trusted bool) {
		if name == "read_parquet" {
			return isOurRead(call), true
		}
		return innerTableFunctions[name], false
	},
}

var innerFunctions, innerTableFunctions = innerNames()

var macroName = regexp.MustCompile(`(?i)^create macro (lg_\w+)`)

func innerNames() (functions, tables map[string]bool) {
	functions, tables = map[string]bool{}, map[string]bool{}
	for _, f := range dialect.Names() {
		functions[f] = true
	}
	for _, m := range dialect.Macros() {
		functions[macroName.FindStringSubmatch(m)[1]] = true
	}
	for _, f := range []string{aifunc.Function, aifunc.TryFunction} {
		functions[f] = true
	}
	for _, f := range []string{"range", "generate_series", "unnest"} {
		tables[f] = true
	}
	return functions, tables
}

var ourVariable = regexp.MustCompile(`^lg_(files|schema)_[0-9]+$`)

// isOurRead reports whether a call is read_parquet(getvariable('lg_files_N'), schema := …,
// filename := true) as relations write it.
func isOurRead(table ast.Node) bool {
	args := ast.Args(ast.Child(table, "function"))
	for i, a := range args {
		n, _ := a.(ast.Node)
		switch name := strings.ToLower(ast.Str(n, "alias")); {
		case i == 0 && name == "" || name == "schema":
			if !isOurVariable(n) {
				return false
			}
		case name == "filename":
			if v, ok := ast.BoolConst(n); !ok || !v {
				return false
			}
		default:
			return false
		}
	}
	return len(args) > 0
}

func isOurVariable(n ast.Node) bool {
	args := ast.Args(n)
	if ast.FuncName(n) != "getvariable" || len(args) != 1 {
		return false
	}
	s, ok := ast.StringConst(args[0])
	return ok && ourVariable.MatchString(s)
}
