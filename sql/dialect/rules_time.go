package dialect

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/sql/ast"
)

var truncUnits = map[string]string{"mm": "month", "mon": "month", "yy": "year", "yyyy": "year", "dd": "day", "q": "quarter"}

func ruleDateTrunc(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) == 2 {
		if unit, ok := ast.StringConst(a[0]); ok {
			unit = strings.ToLower(unit)
			if u, ok := truncUnits[unit]; ok {
				unit = u
			}
			a[0] = ast.Text(unit)
		}
	}
	rename(n, "lg_date_trunc")
	return nil
}

// pattern translates a call whose second argument, if any, is a Java date pattern: plain names
// the function without one, formatted the one with.
func pattern(plain, formatted string) rule {
	return func(_ *translator, n ast.Node) error {
		a := ast.Args(n)
		if len(a) == 1 && plain != "" {
			rename(n, plain)
			if _, seconds := ast.IntConst(a[0]); seconds && strings.HasSuffix(plain, "to_timestamp") {
				rename(n, "lg_timestamp_seconds")
			}
			return nil
		}
		if len(a) != 2 {
			return fmt.Errorf("wrong number of arguments: %d", len(a))
		}
		p, ok := ast.StringConst(a[1])
		if !ok {
			return unsupported("%s: the pattern must be constant text", ast.FuncName(n))
		}
		f, err := javaPattern(p)
		if err != nil {
			return unsupported("%s: %v", ast.FuncName(n), err)
		}
		a[1] = ast.Text(f)
		rename(n, formatted)
		return nil
	}
}

func ruleUnixTimestamp(t *translator, n ast.Node) error {
	if len(ast.Args(n)) == 2 {
		if err := pattern("", "strptime")(t, n); err != nil {
			return err
		}
		parsed := ast.Clone(n).(ast.Node)
		parsed["alias"] = "" // as an argument it would be taken for the argument's name
		ast.Replace(n, ast.Call("lg_unix_timestamp", parsed))
		return nil
	}
	rename(n, "lg_unix_timestamp")
	return nil
}

// javaFields maps runs of pattern letters to strftime's.
var javaFields = map[string]string{
	"yyyy": "%Y", "uuuu": "%Y", "y": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b", "LLL": "%b", "MMMM": "%B", "LLLL": "%B",
	"dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S",
	"SSS": "%g", "SSSSSS": "%f", "a": "%p", "E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A", "D": "%-j", "DDD": "%j",
	"w": "%-V", "ww": "%V", "u": "%u", "z": "UTC", "Z": "+0000", "XXX": "Z", "X": "Z", "xxx": "+00:00",
}

// javaPattern turns Java's DateTimeFormatter pattern into strftime's.
func javaPattern(p string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(p); {
		c := p[i]
		switch {
		case c == '\'':
			end := strings.IndexByte(p[i+1:], '\'')
			if end < 0 {
				return "", fmt.Errorf("pattern %q: quote without end", p)
			}
			lit := p[i+1 : i+1+end]
			if lit == "" {
				lit = "'"
			}
			b.WriteString(strings.ReplaceAll(lit, "%", "%%"))
			i += end + 2
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			j := i
			for j < len(p) && p[j] == c {
				j++
			}
			f, ok := javaFields[p[i:j]]
			if !ok {
				return "", fmt.Errorf("pattern letters %q are not supported", p[i:j])
			}
			b.WriteString(f)
			i = j
		case c == '%':
			b.WriteString("%%")
			i++
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), nil
}
