package dialect

import "github.com/lakegate/lakegate/internal/tableschema"

var schemaKinds = map[string]tableschema.Kind{
	"VARCHAR": tableschema.String, "INTEGER": tableschema.Int, "BIGINT": tableschema.Long, "DOUBLE": tableschema.Double,
	"BOOLEAN": tableschema.Boolean, "DATE": tableschema.Date, "TIMESTAMP": tableschema.Timestamp,
}

// Schema returns the type as tables declare it, and whether tables know it.
func (t Type) Schema() (tableschema.Type, bool) {
	switch t.name {
	case "DECIMAL":
		return tableschema.DecimalOf(int32(t.precision), int32(t.scale)), true
	case "ARRAY":
		elem, ok := t.parts[0].Schema()
		return tableschema.ListOf(elem), ok
	case "MAP":
		key, ok1 := t.parts[0].Schema()
		elem, ok2 := t.parts[1].Schema()
		return tableschema.Type{Kind: tableschema.Map, Key: &key, Elem: &elem}, ok1 && ok2
	case "STRUCT":
		var fields []tableschema.Column
		for i, p := range t.parts {
			f, ok := p.Schema()
			if !ok {
				return tableschema.Type{}, false
			}
			fields = append(fields, tableschema.Column{Name: t.names[i], Type: f})
		}
		return tableschema.StructOf(fields...), true
	default:
		k, ok := schemaKinds[t.name]
		return tableschema.Type{Kind: k}, ok
	}
}
