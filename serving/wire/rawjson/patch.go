package rawjson

// Patch is a list of changes to an object. It never touches the object: Append writes a changed
// copy, as often as wanted. The zero Patch changes nothing.
type Patch struct {
	changes []change // in order of their members
	added   []addition
}

type change struct {
	member int
	value  []byte // nil removes the member
}

type addition struct {
	name  string
	value []byte
}

// Remove takes out member i.
func (p *Patch) Remove(i int) { p.change(i, nil) }

// Replace gives member i another value, which must be JSON and not empty.
func (p *Patch) Replace(i int, value []byte) { p.change(i, value) }

// Add puts a member at the end. The object must not have that name already.
func (p *Patch) Add(name string, value []byte) {
	p.added = append(p.added, addition{name, value})
}

// Empty reports whether the patch changes nothing.
func (p *Patch) Empty() bool { return len(p.changes) == 0 && len(p.added) == 0 }

// change keeps the changes sorted by member; a second change to a member replaces the first.
func (p *Patch) change(i int, value []byte) {
	at := 0
	for at < len(p.changes) && p.changes[at].member < i {
		at++
	}
	if at < len(p.changes) && p.changes[at].member == i {
		p.changes[at].value = value
		return
	}
	p.changes = append(p.changes, change{})
	copy(p.changes[at+1:], p.changes[at:])
	p.changes[at] = change{i, value}
}

// Size returns an upper bound of what Append adds.
func (p *Patch) Size(o *Object) int {
	n := len(o.raw)
	for _, c := range p.changes {
		n += len(c.value)
	}
	for _, a := range p.added {
		n += len(a.name) + len(a.value) + 6
	}
	return n
}

// Append appends the changed object to dst. Members that are not changed are copied byte for
// byte and in order, with the white space between neighbours.
func (p *Patch) Append(dst []byte, o *Object) []byte {
	dst = append(dst, '{')
	first := true // nothing written yet
	run := -1     // first member of the run of unchanged members not written yet
	flush := func(end int) {
		if run < 0 {
			return
		}
		if !first {
			dst = append(dst, ',')
		}
		dst = append(dst, o.raw[o.members[run].keyStart:o.members[end-1].valEnd]...)
		first, run = false, -1
	}
	next := 0
	for i := range o.members {
		if next >= len(p.changes) || p.changes[next].member != i {
			if run < 0 {
				run = i
			}
			continue
		}
		flush(i)
		if v := p.changes[next].value; v != nil {
			if !first {
				dst = append(dst, ',')
			}
			m := &o.members[i]
			dst = append(dst, o.raw[m.keyStart:m.valStart]...)
			dst = append(dst, v...)
			first = false
		}
		next++
	}
	flush(len(o.members))
	for _, a := range p.added {
		if !first {
			dst = append(dst, ',')
		}
		dst = append(AppendQuoted(dst, a.name), ':')
		dst = append(dst, a.value...)
		first = false
	}
	return append(dst, '}')
}
