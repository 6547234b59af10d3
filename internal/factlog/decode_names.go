package factlog

// names gives equal short strings one memory: endpoints, models and tags repeat from row to row.
type names struct {
	last  [64]string // what was read last for a tag
	table map[string]string
}

const (
	maxNames   = 8192 // above it the table starts again
	maxNameLen = 128  // longer strings rarely repeat
	maxMaps    = 1024
	maxMapLen  = 512
)

func (n *names) of(f field) string {
	last := &n.last[f.tag%len(n.last)]
	if *last != string(f.bytes) {
		*last = n.look(f.bytes)
	}
	return *last
}

func (n *names) look(b []byte) string {
	if len(b) > maxNameLen {
		return string(b)
	}
	if s, ok := n.table[string(b)]; ok {
		return s
	}
	if n.table == nil || len(n.table) >= maxNames {
		n.table = map[string]string{}
	}
	s := string(b)
	n.table[s] = s
	return s
}
