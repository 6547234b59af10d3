package worker

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// cell renders a value that is not NULL as Databricks does in JSON_ARRAY results: text, with
// lists, maps and structs as JSON.
func (t *dataType) cell(v any) string {
	switch t.name {
	case "LIST", "MAP", "STRUCT", "UNION":
		var b strings.Builder
		t.json(&b, v)
		return b.String()
	}
	s, _ := t.scalar(v)
	return s
}

// scalar renders a simple value, and says whether it may stand in JSON without quotes.
func (t *dataType) scalar(v any) (text string, bare bool) {
	switch x := v.(type) {
	case string:
		return x, false
	case bool:
		return strconv.FormatBool(x), true
	case int8, int16, int32, int64, uint8, uint16, uint32, uint64, int:
		return fmt.Sprint(x), true
	case float32:
		return float(float64(x), 32)
	case float64:
		return float(x, 64)
	case *big.Int:
		return x.String(), true
	case duckdb.Decimal:
		return decimal(x), true
	case time.Time:
		return t.time(x), false
	case duckdb.Interval:
		return interval(x), false
	case []byte:
		return t.bytes(x), false
	case duckdb.UUID:
		return x.String(), false
	default:
		return fmt.Sprint(x), false
	}
}

// float renders as Databricks: always with a point or an exponent. NaN and infinity are no JSON.
func float(f float64, bits int) (string, bool) {
	switch {
	case math.IsNaN(f):
		return "NaN", false
	case math.IsInf(f, 1):
		return "Infinity", false
	case math.IsInf(f, -1):
		return "-Infinity", false
	case f != 0 && (math.Abs(f) < 1e-3 || math.Abs(f) >= 1e7):
		s := strconv.FormatFloat(f, 'E', -1, bits)
		mantissa, exponent, _ := strings.Cut(s, "E")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		n, _ := strconv.Atoi(exponent)
		return mantissa + "E" + strconv.Itoa(n), true
	}
	s := strconv.FormatFloat(f, 'f', -1, bits)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s, true
}

// decimal keeps all digits of the scale: 1.500000000.
func decimal(d duckdb.Decimal) string {
	digits := d.Value.String()
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	scale := int(d.Scale)
	if scale == 0 {
		return sign + digits
	}
	for len(digits) <= scale {
		digits = "0" + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

func (t *dataType) time(x time.Time) string {
	switch t.name {
	case "DATE":
		return x.Format("2006-01-02")
	case "TIME", "TIMETZ":
		return x.Format("15:04:05.999999")
	default:
		return x.UTC().Format("2006-01-02T15:04:05.000") + micros(x) + "Z"
	}
}

// micros adds the digits after the milliseconds, when there are any.
func micros(x time.Time) string {
	rest := x.Nanosecond() / 1000 % 1000
	if rest == 0 {
		return ""
	}
	return fmt.Sprintf("%03d", rest)
}

func interval(i duckdb.Interval) string {
	var parts []string
	add := func(n int64, unit string) {
		if n != 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit))
		}
	}
	add(int64(i.Months), "months")
	add(int64(i.Days), "days")
	if i.Micros != 0 || len(parts) == 0 {
		parts = append(parts, (time.Duration(i.Micros) * time.Microsecond).String())
	}
	return strings.Join(parts, " ")
}

func (t *dataType) bytes(b []byte) string {
	if t.name == "UUID" && len(b) == 16 {
		var u duckdb.UUID
		copy(u[:], b)
		return u.String()
	}
	return base64.StdEncoding.EncodeToString(b)
}

// json writes a value as JSON, with the fields of a struct in their order.
func (t *dataType) json(b *strings.Builder, v any) {
	if v == nil {
		b.WriteString("null")
		return
	}
	switch t.name {
	case "LIST":
		t.jsonList(b, v)
	case "MAP":
		t.jsonMap(b, v)
	case "STRUCT":
		fields, _ := v.(map[string]any)
		b.WriteByte('{')
		for i, name := range t.fields {
			if i > 0 {
				b.WriteByte(',')
			}
			quoteJSON(b, name)
			b.WriteByte(':')
			t.parts[i].json(b, fields[name])
		}
		b.WriteByte('}')
	default:
		s, bare := t.scalar(v)
		if bare {
			b.WriteString(s)
			return
		}
		if _, ok := v.(string); !ok && t.name == "VARCHAR" { // JSON inside a list or struct arrives decoded
			if raw, err := json.Marshal(v); err == nil {
				b.Write(raw)
				return
			}
		}
		quoteJSON(b, s)
	}
}

func (t *dataType) jsonList(b *strings.Builder, v any) {
	list, _ := v.([]any)
	b.WriteByte('[')
	for i, e := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		t.parts[0].json(b, e)
	}
	b.WriteByte(']')
}

func (t *dataType) jsonMap(b *strings.Builder, v any) {
	var keys, values []any
	switch m := v.(type) {
	case duckdb.OrderedMap:
		keys, values = m.Keys(), m.Values()
	case *duckdb.OrderedMap:
		keys, values = m.Keys(), m.Values()
	}
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		quoteJSON(b, t.parts[0].cell(k))
		b.WriteByte(':')
		t.parts[1].json(b, values[i])
	}
	b.WriteByte('}')
}

func quoteJSON(b *strings.Builder, s string) {
	var w strings.Builder
	e := json.NewEncoder(&w)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	b.WriteString(strings.TrimSuffix(w.String(), "\n"))
}
