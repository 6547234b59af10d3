package lvdash

import "strconv"

// Param is a value bound to a :name marker.
type Param struct {
	Name  string // without the colon
	Type  string // STRING, DATE, TIMESTAMP, DOUBLE or BIGINT
	Value string // dates as 2006-01-02, timestamps as 2006-01-02 15:04:05.999999
}

// binds collects the parameters of a statement under names that nothing else uses.
type binds struct {
	params []Param
	taken  map[string]bool
}

func newBinds(ds *Dataset) *binds {
	b := &binds{taken: map[string]bool{}}
	for _, p := range ds.Parameters {
		b.taken[p.Keyword] = true
	}
	return b
}

// add binds a value of a filter and returns its marker.
func (b *binds) add(value, sqlType string) string {
	return b.named("lg_"+strconv.Itoa(len(b.params)+1), value, sqlType)
}

// named binds a value under the name, or one like it, and returns the marker.
func (b *binds) named(name, value, sqlType string) string {
	for b.taken[name] {
		name += "_"
	}
	b.taken[name] = true
	b.params = append(b.params, Param{name, sqlType, value})
	return ":" + name
}
