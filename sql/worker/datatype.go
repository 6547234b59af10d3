package worker

import (
	"fmt"
	"strings"
)

// dataType is a column's type, read from the engine's own name of it.
type dataType struct {
	name   string // VARCHAR, DECIMAL(18,9), LIST, MAP, STRUCT, …
	fields []string
	parts  []*dataType // element; key and value; fields
}

// parseDataType reads names such as STRUCT("a" INTEGER, "b" MAP(VARCHAR, DOUBLE)[]).
func parseDataType(s string) (*dataType, error) {
	p := &typeParser{s: s}
	t, err := p.parse()
	if err == nil && strings.TrimSpace(p.s) != "" {
		err = fmt.Errorf("rest %q", p.s)
	}
	if err != nil {
		return nil, fmt.Errorf("result type %q: %w", s, err)
	}
	return t, nil
}

type typeParser struct{ s string }

func (p *typeParser) eat(prefix string) bool {
	p.s = strings.TrimLeft(p.s, " ")
	if strings.HasPrefix(p.s, prefix) {
		p.s = p.s[len(prefix):]
		return true
	}
	return false
}

func (p *typeParser) parse() (*dataType, error) {
	t := &dataType{}
	var err error
	switch {
	case p.eat("STRUCT("):
		t.name = "STRUCT"
		err = p.structFields(t)
	case p.eat("MAP("):
		t.name = "MAP"
		err = p.list(t)
	case p.eat("UNION("):
		t.name = "UNION"
		err = p.structFields(t)
	default:
		t.name = p.simple()
	}
	for err == nil && strings.HasPrefix(p.s, "[") {
		end := strings.IndexByte(p.s, ']')
		if end < 0 {
			return nil, fmt.Errorf("[ without ]")
		}
		p.s = p.s[end+1:]
		t = &dataType{name: "LIST", parts: []*dataType{t}}
	}
	return t, err
}

// simple reads a name without parts, with its brackets: DECIMAL(18,9).
func (p *typeParser) simple() string {
	p.s = strings.TrimLeft(p.s, " ")
	end := 0
	for depth := 0; end < len(p.s); end++ {
		c := p.s[end]
		if c == '(' {
			depth++
		}
		if depth == 0 && (c == ',' || c == ')' || c == '[') {
			break
		}
		if c == ')' {
			depth--
		}
	}
	name := strings.Trim(strings.TrimSpace(p.s[:end]), `"`)
	p.s = p.s[end:]
	return name
}

func (p *typeParser) list(t *dataType) error {
	for {
		e, err := p.parse()
		if err != nil {
			return err
		}
		t.parts = append(t.parts, e)
		if !p.eat(",") {
			break
		}
	}
	if !p.eat(")") {
		return fmt.Errorf("( without )")
	}
	return nil
}

func (p *typeParser) structFields(t *dataType) error {
	for {
		if !p.eat(`"`) {
			return fmt.Errorf("a field name is missing")
		}
		var name strings.Builder
		for {
			i := strings.IndexByte(p.s, '"')
			if i < 0 {
				return fmt.Errorf("field name without end")
			}
			name.WriteString(p.s[:i])
			p.s = p.s[i+1:]
			if !strings.HasPrefix(p.s, `"`) {
				break
			}
			name.WriteByte('"')
			p.s = p.s[1:]
		}
		e, err := p.parse()
		if err != nil {
			return err
		}
		t.fields = append(t.fields, name.String())
		t.parts = append(t.parts, e)
		if !p.eat(",") {
			break
		}
	}
	if !p.eat(")") {
		return fmt.Errorf("( without )")
	}
	return nil
}

// names maps the engine's simple types to Databricks' type_name and type text. Sums of whole
// numbers are wider here than there; they are called BIGINT, as there, and keep their digits.
var names = map[string][2]string{
	"BOOLEAN": {"BOOLEAN", "BOOLEAN"}, "TINYINT": {"BYTE", "TINYINT"}, "SMALLINT": {"SHORT", "SMALLINT"}, "INTEGER": {"INT", "INT"},
	"BIGINT": {"LONG", "BIGINT"}, "HUGEINT": {"LONG", "BIGINT"}, "UTINYINT": {"SHORT", "SMALLINT"}, "USMALLINT": {"INT", "INT"},
	"UINTEGER": {"LONG", "BIGINT"}, "UBIGINT": {"LONG", "BIGINT"}, "UHUGEINT": {"LONG", "BIGINT"}, "FLOAT": {"FLOAT", "FLOAT"}, "DOUBLE": {"DOUBLE", "DOUBLE"},
	"VARCHAR": {"STRING", "STRING"}, "JSON": {"STRING", "STRING"}, "UUID": {"STRING", "STRING"}, "ENUM": {"STRING", "STRING"},
	"BIT": {"STRING", "STRING"}, "TIME": {"STRING", "STRING"}, "TIMETZ": {"STRING", "STRING"}, "BLOB": {"BINARY", "BINARY"}, "DATE": {"DATE", "DATE"},
	"TIMESTAMP": {"TIMESTAMP", "TIMESTAMP"}, "TIMESTAMPTZ": {"TIMESTAMP", "TIMESTAMP"}, "TIMESTAMP_S": {"TIMESTAMP", "TIMESTAMP"},
	"TIMESTAMP_MS": {"TIMESTAMP", "TIMESTAMP"}, "TIMESTAMP_NS": {"TIMESTAMP", "TIMESTAMP"}, "INTERVAL": {"INTERVAL", "INTERVAL"},
	"SQLNULL": {"NULL", "VOID"}, "NULL": {"NULL", "VOID"},
}

func (t *dataType) typeName() string {
	switch {
	case t.name == "LIST":
		return "ARRAY"
	case t.name == "MAP" || t.name == "STRUCT":
		return t.name
	case strings.HasPrefix(t.name, "DECIMAL"):
		return "DECIMAL"
	}
	if n, ok := names[t.name]; ok {
		return n[0]
	}
	return "STRING"
}

func (t *dataType) text() string {
	switch {
	case t.name == "LIST":
		return "ARRAY<" + t.parts[0].text() + ">"
	case t.name == "MAP":
		return "MAP<" + t.parts[0].text() + "," + t.parts[1].text() + ">"
	case t.name == "STRUCT":
		f := make([]string, len(t.parts))
		for i, p := range t.parts {
			f[i] = t.fields[i] + ": " + p.text()
		}
		return "STRUCT<" + strings.Join(f, ", ") + ">"
	case strings.HasPrefix(t.name, "DECIMAL"):
		return t.name
	}
	if n, ok := names[t.name]; ok {
		return n[1]
	}
	return "STRING"
}
