package delta

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// dataType is a type of a schemaString. It keeps what other writers put there.
type dataType struct {
	Name     string // primitive, or "struct", "array", "map"
	Fields   []field
	Key      *dataType // of a map
	Elem     *dataType // of a map's values or an array's elements
	ElemNull bool      // these may be NULL
}

type field struct {
	Name     string          `json:"name"`
	Type     dataType        `json:"type"`
	Nullable bool            `json:"nullable"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *dataType) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*t = dataType{}
		return json.Unmarshal(data, &t.Name)
	}
	var v struct {
		Type              string    `json:"type"`
		Fields            []field   `json:"fields"`
		ElementType       *dataType `json:"elementType"`
		ContainsNull      bool      `json:"containsNull"`
		KeyType           *dataType `json:"keyType"`
		ValueType         *dataType `json:"valueType"`
		ValueContainsNull bool      `json:"valueContainsNull"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	switch {
	case v.Type == "struct":
		*t = dataType{Name: v.Type, Fields: v.Fields}
	case v.Type == "array" && v.ElementType != nil:
		*t = dataType{Name: v.Type, Elem: v.ElementType, ElemNull: v.ContainsNull}
	case v.Type == "map" && v.KeyType != nil && v.ValueType != nil:
		*t = dataType{Name: v.Type, Key: v.KeyType, Elem: v.ValueType, ElemNull: v.ValueContainsNull}
	default:
		return fmt.Errorf("%.100s is not a type", data)
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (t dataType) MarshalJSON() ([]byte, error) {
	switch t.Name {
	case "struct":
		fields := t.Fields
		if fields == nil {
			fields = []field{}
		}
		return json.Marshal(struct {
			Type   string  `json:"type"`
			Fields []field `json:"fields"`
		}{t.Name, fields})
	case "array":
		return json.Marshal(struct {
			Type         string    `json:"type"`
			ElementType  *dataType `json:"elementType"`
			ContainsNull bool      `json:"containsNull"`
		}{t.Name, t.Elem, t.ElemNull})
	case "map":
		return json.Marshal(struct {
			Type              string    `json:"type"`
			KeyType           *dataType `json:"keyType"`
			ValueType         *dataType `json:"valueType"`
			ValueContainsNull bool      `json:"valueContainsNull"`
		}{t.Name, t.Key, t.Elem, t.ElemNull})
	default:
		return json.Marshal(t.Name)
	}
}

// merge returns have with the fields of want that it lacks, and whether there were any. The two
// must agree on the rest; an error names the column at fault. path is the name of the column so far.
func (t dataType) merge(want dataType, path string) (dataType, bool, error) {
	if t.Name != want.Name {
		return t, false, fmt.Errorf("%w: column %s is %s in the table, not %s", ErrSchema, path, t.Name, want.Name)
	}
	var err error
	added, changed := false, false
	if t.Key != nil {
		key := dataType{}
		if key, changed, err = t.Key.merge(*want.Key, path+".key"); err != nil {
			return t, false, err
		}
		t.Key, added = &key, changed
	}
	if t.Elem != nil {
		if !t.ElemNull && want.ElemNull {
			return t, false, fmt.Errorf("%w: column %s can't hold NULLs in the table", ErrSchema, path)
		}
		elem := dataType{}
		if elem, changed, err = t.Elem.merge(*want.Elem, path+".element"); err != nil {
			return t, false, err
		}
		t.Elem, added = &elem, added || changed
	}
	if t.Name == "struct" {
		return t.mergeFields(want, path)
	}
	return t, added, nil
}

func (t dataType) mergeFields(want dataType, path string) (dataType, bool, error) {
	added := false
	fields := append([]field(nil), t.Fields...)
	for _, f := range t.Fields {
		if err := f.spares(want.Fields, path); err != nil {
			return t, false, err
		}
	}
	for _, w := range want.Fields {
		name := strings.TrimPrefix(path+"."+w.Name, ".")
		i := indexFold(fields, w.Name)
		if i < 0 {
			fields, added = append(fields, w), true
			continue
		}
		if err := fields[i].takes(w, name); err != nil {
			return t, false, err
		}
		typ, changed, err := fields[i].Type.merge(w.Type, name)
		if err != nil {
			return t, false, err
		}
		fields[i].Type = typ
		added = added || changed
	}
	t.Fields = fields
	return t, added, nil
}

func indexFold(fields []field, name string) int {
	for i, f := range fields {
		if strings.EqualFold(f.Name, name) {
			return i
		}
	}
	return -1
}

// takes reports whether values of the wanted field may be written to f, types aside.
func (f field) takes(want field, name string) error {
	switch {
	case f.Name != want.Name:
		return fmt.Errorf("%w: column %s is written %s in the table", ErrSchema, name, f.Name)
	case !f.Nullable && want.Nullable:
		return fmt.Errorf("%w: column %s is NOT NULL in the table", ErrSchema, name)
	case strings.Contains(string(f.Metadata), `"delta.invariants"`):
		return fmt.Errorf("%w: column %s has an invariant in the table, which can't be checked", ErrSchema, name)
	}
	return nil
}

// spares reports whether rows may be written without a value of the field, if they are.
func (f field) spares(wanted []field, path string) error {
	if indexFold(wanted, f.Name) >= 0 {
		return nil // takes will tell
	}
	name := strings.TrimPrefix(path+"."+f.Name, ".")
	switch {
	case !f.Nullable:
		return fmt.Errorf("%w: column %s is NOT NULL in the table, and lakegate has no values for it", ErrSchema, name)
	case strings.Contains(string(f.Metadata), `"delta.invariants"`):
		return fmt.Errorf("%w: column %s has an invariant in the table, which can't be checked", ErrSchema, name)
	}
	return nil
}

var kinds = map[string]tableschema.Kind{
	"string": tableschema.String, "integer": tableschema.Int, "long": tableschema.Long, "double": tableschema.Double,
	"boolean": tableschema.Boolean, "date": tableschema.Date, "timestamp": tableschema.Timestamp,
}

// toType returns the type in terms of tableschema.
func (t dataType) toType(path string) (tableschema.Type, error) {
	switch t.Name {
	case "struct":
		cols, err := t.columns(path)
		return tableschema.StructOf(cols...), err
	case "array":
		elem, err := t.Elem.toType(path + ".element")
		return tableschema.ListOf(elem), err
	case "map":
		key, err := t.Key.toType(path + ".key")
		if err != nil {
			return tableschema.Type{}, err
		}
		elem, err := t.Elem.toType(path + ".value")
		return tableschema.Type{Kind: tableschema.Map, Key: &key, Elem: &elem}, err
	}
	if kind, ok := kinds[t.Name]; ok {
		return tableschema.Type{Kind: kind}, nil
	}
	if p, s, ok := decimal(t.Name); ok {
		return tableschema.DecimalOf(p, s), nil
	}
	return tableschema.Type{}, fmt.Errorf("%w: column %s is %s, which is not supported", ErrSchema, path, t.Name)
}

// decimal parses decimal(p,s).
func decimal(name string) (precision, scale int32, ok bool) {
	args, ok := strings.CutPrefix(name, "decimal(")
	if !ok {
		return 0, 0, false
	}
	left, right, ok := strings.Cut(strings.TrimSuffix(args, ")"), ",")
	p, err1 := strconv.ParseInt(strings.TrimSpace(left), 10, 32)
	s, err2 := strconv.ParseInt(strings.TrimSpace(right), 10, 32)
	return int32(p), int32(s), ok && err1 == nil && err2 == nil
}

func (t dataType) columns(path string) ([]tableschema.Column, error) {
	cols := make([]tableschema.Column, len(t.Fields))
	for i, f := range t.Fields {
		name := strings.TrimPrefix(path+"."+f.Name, ".")
		typ, err := f.Type.toType(name)
		if err != nil {
			return nil, err
		}
		var meta struct {
			Comment string `json:"comment"`
		}
		_ = json.Unmarshal(f.Metadata, &meta) // a comment is all we look for
		cols[i] = tableschema.Column{Name: f.Name, Type: typ, Comment: meta.Comment}
	}
	return cols, nil
}
