package dialect

import (
	"fmt"
	"strconv"
	"strings"
)

// Type is a Databricks type as DDL writes it: STRING, DECIMAL(10,2), ARRAY<INT>, STRUCT<a: INT>.
type Type struct {
	name             string // DuckDB's name of a simple type; ARRAY, MAP, STRUCT
	precision, scale int
	names            []string // of STRUCT
	parts            []Type
}

var simpleTypes = map[string]string{
	"string": "VARCHAR", "varchar": "VARCHAR", "char": "VARCHAR", "int": "INTEGER", "integer": "INTEGER",
	"bigint": "BIGINT", "long": "BIGINT", "smallint": "SMALLINT", "short": "SMALLINT", "tinyint": "TINYINT", "byte": "TINYINT",
	"double": "DOUBLE", "float": "FLOAT", "real": "FLOAT", "boolean": "BOOLEAN", "date": "DATE",
	"timestamp": "TIMESTAMP", "timestamp_ltz": "TIMESTAMP", "timestamp_ntz": "TIMESTAMP",
	"binary": "BLOB", "void": "NULL", "variant": "JSON",
}

// ParseType reads a type. With fields ("a INT, b STRING", as from_json takes) it reads a STRUCT.
func ParseType(s string) (Type, error) {
	if t, rest, err := parseType(s); err == nil && strings.TrimSpace(rest) == "" {
		return t, nil
	}
	t, rest, err := parseFields(s)
	if err != nil {
		return Type{}, fmt.Errorf("%q is not a type: %w", s, err)
	}
	if strings.TrimSpace(rest) != "" {
		return Type{}, fmt.Errorf("%q is not a type", s)
	}
	return t, nil
}

// DuckDB returns the type in DuckDB's words.
func (t Type) DuckDB() string {
	switch t.name {
	case "ARRAY":
		return t.parts[0].DuckDB() + "[]"
	case "MAP":
		return "MAP(" + t.parts[0].DuckDB() + ", " + t.parts[1].DuckDB() + ")"
	case "STRUCT":
		f := make([]string, len(t.parts))
		for i, p := range t.parts {
			f[i] = quoteIdent(t.names[i]) + " " + p.DuckDB()
		}
		return "STRUCT(" + strings.Join(f, ", ") + ")"
	case "DECIMAL":
		return fmt.Sprintf("DECIMAL(%d,%d)", t.precision, t.scale)
	default:
		return t.name
	}
}

// IsText reports whether the type is STRING.
func (t Type) IsText() bool { return t.name == "VARCHAR" }

// Nested reports whether the type has parts.
func (t Type) Nested() bool { return len(t.parts) > 0 }

func parseType(s string) (Type, string, error) {
	name, rest := leadingWord(s)
	switch name {
	case "":
		return Type{}, s, fmt.Errorf("a type name is missing")
	case "array", "map", "struct":
		return parseNested(name, rest)
	case "decimal", "dec", "numeric":
		return parseDecimal(rest)
	}
	d, ok := simpleTypes[name]
	if !ok {
		return Type{}, s, fmt.Errorf("%s is not a type", name)
	}
	if name == "varchar" || name == "char" {
		if r := strings.TrimLeft(rest, " \t\n"); strings.HasPrefix(r, "(") {
			if end := strings.IndexByte(r, ')'); end > 0 {
				rest = r[end+1:]
			}
		}
	}
	return Type{name: d}, rest, nil
}

func parseDecimal(rest string) (Type, string, error) {
	t := Type{name: "DECIMAL", precision: 10}
	r := strings.TrimLeft(rest, " \t\n")
	if !strings.HasPrefix(r, "(") {
		return t, rest, nil
	}
	end := strings.IndexByte(r, ')')
	if end < 0 {
		return Type{}, rest, fmt.Errorf("decimal without )")
	}
	p, s, _ := strings.Cut(r[1:end], ",")
	var err error
	if t.precision, err = strconv.Atoi(strings.TrimSpace(p)); err == nil && s != "" {
		t.scale, err = strconv.Atoi(strings.TrimSpace(s))
	}
	if err != nil || t.precision < 1 || t.precision > 38 || t.scale < 0 || t.scale > t.precision {
		return Type{}, rest, fmt.Errorf("decimal(%s) is not a type", r[1:end])
	}
	return t, r[end+1:], nil
}

func parseNested(name, rest string) (Type, string, error) {
	rest, ok := eat(rest, "<")
	if !ok {
		return Type{}, rest, fmt.Errorf("%s without <", name)
	}
	t := Type{name: strings.ToUpper(name)}
	if name == "struct" {
		f, r, err := parseFields(rest)
		if err != nil {
			return Type{}, rest, err
		}
		t, rest = f, r
	} else {
		for i := 0; ; i++ {
			p, r, err := parseType(rest)
			if err != nil {
				return Type{}, rest, err
			}
			t.parts = append(t.parts, p)
			if rest, ok = eat(r, ","); !ok {
				break
			}
		}
		if want := map[string]int{"array": 1, "map": 2}[name]; len(t.parts) != want {
			return Type{}, rest, fmt.Errorf("%s takes %d types", name, want)
		}
	}
	if rest, ok = eat(rest, ">"); !ok {
		return Type{}, rest, fmt.Errorf("%s without >", name)
	}
	return t, rest, nil
}

// parseFields reads "a INT, b: STRING".
func parseFields(s string) (Type, string, error) {
	t := Type{name: "STRUCT"}
	for {
		name, rest := leadingName(s)
		if name == "" {
			return Type{}, s, fmt.Errorf("a field name is missing")
		}
		rest, _ = eat(rest, ":")
		p, rest, err := parseType(rest)
		if err != nil {
			return Type{}, s, err
		}
		t.names = append(t.names, name)
		t.parts = append(t.parts, p)
		if w, r := leadingWord(rest); w == "not" {
			if w, r = leadingWord(r); w == "null" {
				rest = r
			}
		}
		var more bool
		if s, more = eat(rest, ","); !more {
			return t, rest, nil
		}
	}
}

func eat(s, prefix string) (string, bool) {
	t := strings.TrimLeft(s, " \t\r\n")
	if strings.HasPrefix(t, prefix) {
		return t[len(prefix):], true
	}
	return s, false
}

func leadingWord(s string) (name, rest string) {
	t := strings.TrimLeft(s, " \t\r\n")
	i := 0
	for i < len(t) && (t[i] == '_' || t[i]|0x20 >= 'a' && t[i]|0x20 <= 'z' || t[i] >= '0' && t[i] <= '9') {
		i++
	}
	return strings.ToLower(t[:i]), t[i:]
}

// leadingName reads a field name, bare or in backticks, keeping its case.
func leadingName(s string) (name, rest string) {
	t := strings.TrimLeft(s, " \t\r\n")
	if strings.HasPrefix(t, "`") {
		end := strings.IndexByte(t[1:], '`')
		if end < 0 {
			return "", s
		}
		return t[1 : 1+end], t[end+2:]
	}
	w, rest := leadingWord(t)
	return t[:len(w)], rest
}
