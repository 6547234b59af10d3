package dialect

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed functions.txt
var functionsText string

//go:embed macros.sql
var macrosText string

// Function is one entry of the allow-list.
type Function struct {
	Target string // name in DuckDB; the same as ours when nothing changes
	rule   bool   // a rule of tree.go translates the call
}

var functions, tableFunctions map[string]Function

// LookupFunction returns the scalar, aggregate or window function, or operator, that SQL may call
// by a lower-case name.
func LookupFunction(name string) (Function, bool) { f, ok := functions[name]; return f, ok }

// LookupTableFunction returns the table function SQL may call by a lower-case name.
func LookupTableFunction(name string) (Function, bool) { f, ok := tableFunctions[name]; return f, ok }

// Macros returns the statements that create the lg_ macros, in order.
func Macros() []string {
	var out []string
	for line := range strings.Lines(macrosText) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "--") {
			out = append(out, strings.TrimSuffix(line, ";"))
		}
	}
	return out
}

// parseFunctions reads functions.txt: lines of names, "name = target" and "name !".
func parseFunctions(s string) (scalar, table map[string]Function) {
	scalar, table = map[string]Function{}, map[string]Function{}
	into := scalar
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		fields := strings.Fields(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			into = scalar
			if line == "[table]" {
				into = table
			}
		case len(fields) == 3 && fields[1] == "=":
			into[fields[0]] = Function{Target: fields[2]}
		case len(fields) == 2 && fields[1] == "!":
			if rules[fields[0]] == nil {
				panic(fmt.Sprintf("functions.txt: no rule for %q", fields[0]))
			}
			into[fields[0]] = Function{Target: fields[0], rule: true}
		default:
			for _, f := range fields {
				into[f] = Function{Target: f}
			}
		}
	}
	return scalar, table
}

// made are functions the rules call that nobody may call by these names.
var made = wordSet(`list try_strptime string_split string_split_regex json_transform struct_extract_at`)

// Names returns every name a translated tree may call, apart from the macros.
func Names() []string {
	var out []string
	for name, f := range functions {
		out = append(out, name, f.Target)
	}
	for name := range made {
		out = append(out, name)
	}
	return out
}
